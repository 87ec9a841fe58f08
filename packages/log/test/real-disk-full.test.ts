/** Small file systems that fill up, or may not be written to. Only root may mount them. */

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { Log } from '../src/index.ts'
import { DURABILITIES, nameOf } from './workload.ts'

const MIB = 2 ** 20
const MOUNTS = ['tmpfs', 'ext4'] as const
const EACH = MOUNTS.flatMap((type) =>
  DURABILITIES.map((durability) => [type, nameOf(durability), durability] as const),
)

let root: string
let mounted: string[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'walrus-disk-'))
})

afterEach(() => {
  for (const path of mounted.toReversed()) run('umount', '--lazy', path)
  mounted = []
  rmSync(root, { recursive: true, force: true })
})

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** A file system of about 2 MiB with nothing in it. Skips the test where none can be mounted. */
function smallDisk(context: TestContext, type: (typeof MOUNTS)[number]): string {
  const path = join(root, 'disk')
  mkdirSync(path)
  try {
    if (type === 'tmpfs') {
      run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'walrus-test', path)
    } else {
      const image = join(root, 'image')
      writeFileSync(image, '')
      truncateSync(image, 2 * MIB)
      run('mkfs.ext4', '-q', '-O', '^has_journal', '-m', '0', image)
      run('mount', '-o', 'loop', image, path)
    }
  } catch (error) {
    context.skip(`cannot mount ${type} here: ${String(error).trim()}`)
  }
  mounted.push(path)
  return path
}

/** Takes all the space but about `left` bytes. */
function fill(disk: string, left: number): void {
  const filler = join(disk, 'filler')
  const chunk = Buffer.alloc(4096)
  writeFileSync(filler, '')
  try {
    for (;;) appendFileSync(filler, chunk)
  } catch {
    // That was all of it.
  }
  truncateSync(filler, Math.max(0, statSync(filler).size - left))
}

function free(disk: string): void {
  truncateSync(join(disk, 'filler'), 0)
}

/** Every file in a directory and its bytes, by name. */
function filesIn(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(dir, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(dir, name), 'latin1')]))
}

const payload = (number: number): string => `entry ${number} `.repeat(400)

describe('a full disk', () => {
  it.for(EACH)(
    'refuses, keeps what it took, and takes more later (%s, %s)',
    async ([type, , durability], context) => {
      const disk = smallDisk(context, type)
      const dir = join(disk, 'log')
      const log = await Log.open(dir, { durability, segmentBytes: 0x1_0000 })
      const kept: string[] = []
      const append = async (number: number): Promise<void> => {
        expect(await log.append(payload(number))).toBe(kept.length + 1)
        kept.push(payload(number))
      }
      for (let number = 0; number < 30; number++) await append(number)
      fill(disk, 100_000)
      let refused = 0
      for (let number = 30; refused < 20; number++) {
        try {
          await append(number)
        } catch (error) {
          refused++
          expect(error).toMatchObject({ code: 'WALRUS_DISK_FULL' })
        }
      }
      free(disk)
      for (let number = 5000; number < 5030; number++) await append(number)
      await log.close()
      const again = await Log.open(dir)
      expect(again.recovery.clean).toBe(true)
      const entries: string[] = []
      for await (const { data } of again.entries()) entries.push(Buffer.from(data).toString())
      expect(entries).toEqual(kept)
      await again.close()
    },
  )

  it.for(MOUNTS)(
    'keeps what appendSync took without a sync, and writes it later (%s)',
    async (type, context) => {
      const disk = smallDisk(context, type)
      const dir = join(disk, 'log')
      const log = await Log.open(dir, { durability: 'none', segmentBytes: 0x1_0000 })
      fill(disk, 20_000)
      let taken = 0
      try {
        for (; taken < 1000; taken++) expect(log.appendSync(payload(taken))).toBe(taken + 1)
      } catch (error) {
        expect(error).toMatchObject({ code: 'WALRUS_DISK_FULL' })
      }
      expect(taken).toBeLessThan(1000)
      free(disk)
      expect(await log.append(payload(taken))).toBe(taken + 1)
      await log.close()
      const again = await Log.open(dir)
      const entries: string[] = []
      for await (const { data } of again.entries()) entries.push(Buffer.from(data).toString())
      expect(entries).toEqual(Array.from({ length: taken + 1 }, (_, number) => payload(number)))
      await again.close()
    },
  )

  it.for(EACH)(
    'does not keep a log from closing (%s, %s)',
    async ([type, , durability], context) => {
      const disk = smallDisk(context, type)
      const dir = join(disk, 'log')
      const log = await Log.open(dir, { durability, segmentBytes: 0x1_0000 })
      await log.append('kept')
      fill(disk, 4096)
      const large = log.append(Buffer.alloc(500_000))
      await expect(large).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
      await log.close()
      free(disk)
      const again = await Log.open(dir)
      expect(again.lastIndex).toBe(1)
      expect(Buffer.from((await again.get(1)).data).toString()).toBe('kept')
      await again.close()
    },
  )

  it('is told by close when entries that were taken cannot be written', async (context) => {
    const disk = smallDisk(context, 'tmpfs')
    const dir = join(disk, 'log')
    const log = await Log.open(dir, { durability: 'none' })
    await log.append('kept')
    fill(disk, 0)
    expect(log.appendSync(Buffer.alloc(100_000))).toBe(2)
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    free(disk)
    const again = await Log.open(dir)
    expect(again.lastIndex).toBe(1)
    await again.close()
  })

  it.for(MOUNTS)('cannot take a new log, and says so (%s)', async (type, context) => {
    const disk = smallDisk(context, type)
    fill(disk, 0)
    await expect(Log.open(join(disk, 'log'))).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
  })
})

describe('a read-only file system', () => {
  it('can be read from, not written to, and stays as it is', async (context) => {
    const disk = smallDisk(context, 'tmpfs')
    const dir = join(disk, 'log')
    const log = await Log.open(dir)
    await log.append('kept')
    await log.close()
    const before = filesIn(disk)
    run('mount', '-o', 'remount,ro', disk)
    await expect(Log.open(dir)).rejects.toMatchObject({ code: 'WALRUS_PERMISSION_DENIED' })
    await expect(Log.open(join(disk, 'new'))).rejects.toMatchObject({
      code: 'WALRUS_PERMISSION_DENIED',
    })
    const reader = await Log.open(dir, { readOnly: true })
    expect(Buffer.from((await reader.get(1)).data).toString()).toBe('kept')
    await reader.close()
    expect(filesIn(disk)).toEqual(before)
  })
})
