/**
 * Loads the native binary: the one compiled here, else the one that came with the package.
 *
 * Importing never throws. Without a binary every call does, with the reason.
 */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { NativeMissingError } from './errors.ts'

/** What a function takes that works on memory: all of an `ArrayBuffer`, or the part a view shows. */
export type Memory = ArrayBuffer | NodeJS.ArrayBufferView

/** Checksum of a part of a buffer. */
export type Checksum = (buffer: Memory, from?: number, to?: number, seed?: number) => number

/** Checksums of many pieces of a buffer. */
export type ChecksumEach = (
  buffer: Memory,
  from: number,
  ends: Uint32Array,
  count: number,
  skip: number,
  register: number,
  into: Int32Array,
) => void

/** The binary's functions; they check every argument themselves. */
export interface Binding {
  readonly pageSize: number
  readonly crc32Name: 'pclmul' | 'armv8' | 'table'
  map(size: number, protection: number, flags: number, fd: number, offset?: number): Buffer
  unmap(buffer: Memory): void
  advise(buffer: Memory, offset: number, length: number, advice: number): void
  sync(buffer: Memory, offset: number, length: number, blocking: boolean, invalidate: boolean): void
  incore(buffer: Memory): [number, number]
  allocate(fd: number, offset: number, length: number): void
  fadvise(fd: number, offset: number, length: number, advice: number): void
  /** -1 when it was taken, otherwise the process that holds it, 0 if unknown. */
  lock(fd: number, exclusive: boolean): number
  unlock(fd: number): void
  write(
    fd: number,
    buffer: Memory,
    offset: number,
    length: number,
    position: number,
    flags?: number,
  ): Promise<number>
  writeSync(
    fd: number,
    buffer: Memory,
    offset: number,
    length: number,
    position: number,
    flags?: number,
  ): number
  misalignment(buffer: Memory, align: number): number
  readonly crc32: Checksum
  readonly crc32Table: Checksum
  readonly crc32Each: ChecksumEach
}

const platform = `${process.platform}-${process.arch}`
const loaded = load(['../build/mmap-io.node', `../prebuilds/${platform}/mmap-io.node`])

function load(candidates: readonly string[]): Binding | string {
  const require = createRequire(import.meta.url)
  const failed: string[] = []
  for (const candidate of candidates) {
    const path = fileURLToPath(new URL(candidate, import.meta.url))
    if (!existsSync(path)) continue
    try {
      return require(path) as Binding
    } catch (error) {
      failed.push(`${path} does not load: ${(error as Error).message}`)
    }
  }
  if (failed.length > 0) return failed.join('; ')
  return `none came with it for ${platform}, and none was compiled when it was installed (that takes a C compiler as cc or $CC)`
}

/** The binary, or what keeps this from being used. */
export function binding(): Binding {
  if (typeof loaded === 'string') throw new NativeMissingError(loaded)
  return loaded
}

/** Whether this package works here; if not, why. Everything else throws that reason as an error. */
export function supported(): { ok: boolean; reason?: string } {
  return typeof loaded === 'string' ? { ok: false, reason: loaded } : { ok: true }
}

/**
 * A function of the binary itself, without a call in between; where there is no binary, one that
 * throws.
 */
export function direct<Name extends keyof Binding>(name: Name): Binding[Name] {
  if (typeof loaded !== 'string') return loaded[name]
  return binding as unknown as Binding[Name]
}

/** Bytes of a page of memory; 4096 where there is no binary to ask. */
export const PAGESIZE: number = typeof loaded === 'string' ? 4096 : loaded.pageSize
