/**
 * What the disk takes of one large file through the page cache, the sync at its end included: by fio where it is
 * installed, and by `native/sequential-write.c` in any case.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { deviceStat, forOneSync, watchDevice, writesCounted } from './device.ts'
import { withDirectory } from './directories.ts'
import { compileLoop } from './native-loop.ts'
import { NotRun, type Sample, type Subject } from './subject.ts'

const execute = promisify(execFile)

/** A new file of so many bytes, in writes of 1 MiB. The latencies are those of the writes. */
export async function sequentialWrite(directory: string, bytes: number): Promise<Subject> {
  const loop = await compileLoop('sequential-write', directory)
  const stat = deviceStat(directory)
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const { heading, latencies } = await loop([join(path, 'data'), bytes, stat ?? ''])
        const [, seconds = 0, ...counts] = heading
        const device = forOneSync(writesCounted(stat, counts))
        return { values: { gigabytesPerSecond: bytes / 1e9 / seconds, ...device }, latencies }
      }),
  }
}

/** The same by fio, which puts the sync into its own time. */
export async function fioWrite(directory: string, bytes: number): Promise<Subject> {
  try {
    await execute('fio', ['--version'])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new NotRun('no fio')
    throw error
  }
  const job = [
    '--name=write',
    '--rw=write',
    '--ioengine=sync',
    '--bs=1M',
    `--size=${bytes}`,
    '--end_fsync=1',
    '--output-format=json',
  ]
  return {
    run: () =>
      withDirectory(directory, async (path) => {
        const device = watchDevice(path)
        const { stdout } = await execute('fio', [...job, `--filename=${join(path, 'data')}`])
        const { values } = parseFio(stdout, bytes)
        return { values: { ...values, ...forOneSync(device()) } }
      }),
  }
}

/** The bandwidth that fio reports, for the bytes that it was told to write. */
export function parseFio(output: string, bytes: number): Sample {
  const { jobs } = JSON.parse(output) as {
    jobs: { write: { io_bytes: number; bw_bytes: number } }[]
  }
  const write = jobs[0]?.write
  if (write?.io_bytes !== bytes) {
    throw new Error(`fio wrote ${write?.io_bytes} of ${bytes} bytes`)
  }
  return { values: { gigabytesPerSecond: write.bw_bytes / 1e9 } }
}
