/**
 * What the disk itself was made to write, journal and all: the kernel's own count for the block device under a
 * directory. It counts for everyone, so it is only worth something while nothing else writes there.
 */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The unit of the counters, whatever the disk's own sectors are. */
const SECTOR_BYTES = 512

/** Columns of a block device's `stat`, from 0 (the kernel's Documentation/block/stat.rst). */
const SECTORS_WRITTEN = 6
const FLUSHES = 15

export interface DeviceWrites {
  readonly bytes: number
  /** Flushes of the disk's cache, each the end of a sync or of several at once. */
  readonly flushes: number
}

/**
 * The file with the counters of the whole disk that a directory is on; `undefined` where there is none: not Linux, a
 * filesystem without a disk or on several, a kernel that does not count flushes.
 */
export function deviceStat(directory: string): string | undefined {
  const { dev } = statSync(directory)
  const major = (dev >>> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  const link = `/sys/dev/block/${major}:${minor}`
  if (!existsSync(link)) return undefined
  const device = realpathSync(link)
  // Flushes are not counted for partitions.
  const disk = existsSync(join(device, 'partition')) ? dirname(device) : device
  const path = join(disk, 'stat')
  return existsSync(path) && parseDeviceStat(readFileSync(path, 'utf8')) ? path : undefined
}

export function parseDeviceStat(text: string): DeviceWrites | undefined {
  const columns = text.trim().split(/\s+/).map(Number)
  const sectors = columns[SECTORS_WRITTEN]
  const flushes = columns[FLUSHES]
  if (sectors === undefined || flushes === undefined) return undefined
  return { bytes: sectors * SECTOR_BYTES, flushes }
}

/** Begins to count; the returned function says what was written since. Nothing where nobody counts. */
export function watchDevice(directory: string): () => DeviceWrites | undefined {
  const path = deviceStat(directory)
  const now = (): DeviceWrites | undefined =>
    path === undefined ? undefined : parseDeviceStat(readFileSync(path, 'utf8'))
  const before = now()
  return () => {
    const after = now()
    if (before === undefined || after === undefined) return undefined
    return { bytes: after.bytes - before.bytes, flushes: after.flushes - before.flushes }
  }
}

/** From a loop in C, which counts by itself: sectors and flushes. */
export function writesCounted(
  path: string | undefined,
  counts: readonly number[],
): DeviceWrites | undefined {
  const [sectors = 0, flushes = 0] = counts
  return path === undefined ? undefined : { bytes: sectors * SECTOR_BYTES, flushes }
}

/**
 * The figure of a subject that syncs again and again. Absent where the disk flushed nothing: one without a volatile
 * cache, or that writes through it, is not told to.
 */
export function perSync(writes: DeviceWrites | undefined): { deviceBytesPerSync?: number } {
  if (writes === undefined || writes.flushes === 0) return {}
  return { deviceBytesPerSync: writes.bytes / writes.flushes }
}

/** The figure of a subject that syncs once: everything that was written belongs to that sync. */
export function forOneSync(writes: DeviceWrites | undefined): { deviceBytesPerSync?: number } {
  return writes === undefined ? {} : { deviceBytesPerSync: writes.bytes }
}
