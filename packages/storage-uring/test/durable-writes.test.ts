/** Durable writes: past the page cache where they fit sectors, through it elsewhere; whole in any case. */

import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Log } from '@walrus/log'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { auto, uring } from '../src/index.ts'

const MIB = 2 ** 20

let dir: string
let undo: (() => void)[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-uring-'))
})

afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step()
  rmSync(dir, { recursive: true, force: true })
})

/** How this process has a file open for direct writes. */
function directDescriptors(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return false
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!
      return (Number.parseInt(flags, 8) & constants.O_DIRECT) !== 0
    } catch {
      return false
    }
  }).length
}

/** A file system whose disk has sectors of 4,096 bytes. Skips the test where none can be mounted. */
function diskOfLargeSectors(context: TestContext): string {
  const [image, path] = [join(dir, 'image'), join(dir, 'disk')]
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  try {
    writeFileSync(image, '')
    truncateSync(image, 16 * MIB)
    const device = run('losetup', '--find', '--show', '--sector-size', '4096', image)
    undo.push(() => run('losetup', '--detach', device))
    run('mkfs.ext4', '-q', '-b', '4096', device)
    mkdirSync(path)
    run('mount', device, path)
    undo.push(() => run('umount', path))
  } catch (error) {
    context.skip(`cannot mount a disk with large sectors here: ${String(error).trim()}`)
  }
  return path
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Math.imul(at + seed, 0x9e3779b1) >>> 24)
}

describe('a durable write', () => {
  it('goes past the page cache when it fits sectors', async () => {
    const path = join(dir, 'a')
    const file = await uring().open(path, 'create')
    await file.write(pattern(100, 1), 0, true)
    await file.write(pattern(512, 2), 100, true)
    await file.write(pattern(512, 3), 1024, false)
    expect(directDescriptors(path)).toBe(0)
    await file.write(pattern(1024, 4), 512, true)
    expect(directDescriptors(path)).toBe(1)
    file.writeSync(pattern(512, 5), 2048, true)
    const back = new Uint8Array(2560)
    expect(await file.read(back, 0)).toBe(2560)
    expect(back.subarray(512, 1536)).toEqual(pattern(1024, 4))
    expect(back.subarray(2048)).toEqual(pattern(512, 5))
    expect(Buffer.from(file.view!(0, 2560)!)).toEqual(Buffer.from(back))
    await file.close()
    expect(directDescriptors(path)).toBe(0)
  })

  it('is written as it was when it was asked for', async () => {
    const file = await uring().open(join(dir, 'a'), 'create')
    const bytes = pattern(4096, 1)
    const writing = file.write(bytes, 0, true)
    bytes.fill(0)
    await writing
    const back = new Uint8Array(4096)
    await file.read(back, 0)
    expect(back).toEqual(pattern(4096, 1))
    await file.close()
  })

  it('may be of any length, and any number may be under way', async () => {
    const file = await uring().open(join(dir, 'a'), 'create')
    const lengths = [MIB, MIB + 512, 3 * MIB + 5, 1, 511, 513]
    let at = 0
    for (const [seed, length] of lengths.entries()) {
      await file.write(pattern(length, seed), at, true)
      const back = new Uint8Array(length)
      expect(await file.read(back, at)).toBe(length)
      expect(Buffer.compare(back, pattern(length, seed))).toBe(0)
      at += length
    }
    const from = Math.ceil(at / 512) * 512
    await Promise.all(
      Array.from({ length: 400 }, (_, n) => file.write(pattern(512, n), from + n * 512, true)),
    )
    const back = new Uint8Array(400 * 512)
    await file.read(back, from)
    for (let n = 0; n < 400; n++) {
      expect(back.subarray(n * 512, (n + 1) * 512)).toEqual(pattern(512, n))
    }
    await file.close()
  })

  it('goes through the page cache on a disk whose sectors are larger than it was told', async (context) => {
    const disk = diskOfLargeSectors(context)
    for (const align of [512, 4096] as const) {
      const path = join(disk, `log-${align}`)
      const log = await Log.open(path, { storage: uring({ align }) })
      for (let n = 1; n <= 20; n++) await log.append(`entry ${n}`)
      log.appendSync('entry 21')
      const direct = directDescriptors(join(path, '000000000001.seg'))
      expect(direct).toBe(1)
      await log.close()
      const again = await Log.open(path)
      expect(again.recovery.clean).toBe(true)
      expect(Buffer.from((await again.get(21)).data).toString()).toBe('entry 21')
      await again.close()
    }
  })
})

describe('a log', () => {
  it('is the same to every storage', async () => {
    const log = await Log.open(dir, { storage: uring(), segmentBytes: 65_536 })
    for (let n = 1; n <= 200; n++) await log.append(`entry ${n} `.repeat(n))
    expect(Buffer.from(log.view(200).data).toString()).toBe('entry 200 '.repeat(200))
    await log.close()
    const again = await Log.open(dir)
    expect(again.recovery.clean).toBe(true)
    const back = (await again.range(1, 200)).map(({ data }) => Buffer.from(data).toString())
    expect(back).toEqual(Array.from({ length: 200 }, (_, at) => `entry ${at + 1} `.repeat(at + 1)))
    // Its groups need not begin on sectors.
    await again.append('entry 201')
    await again.close()
    const once = await Log.open(dir, { storage: uring({ align: 4096 }) })
    await once.append('entry 202')
    expect(Buffer.from(once.view(201).data).toString()).toBe('entry 201')
    await once.close()
  })
})

describe('options', () => {
  it('that are wrong are named', () => {
    for (const make of [uring, auto]) {
      expect(() => make({ alignment: 512 } as object)).toThrow('alignment')
      expect(() => make({ align: 1024 as 512 })).toThrow('512 or 4096')
      expect(() => make({ zeroAhead: 'no' } as object)).toThrow(
        expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }),
      )
    }
    expect(uring({ align: 4096, zeroAhead: false })).toMatchObject({
      align: 4096,
      zeroAhead: false,
    })
  })

  it('auto takes this storage where it works', () => {
    expect(auto()).toMatchObject({ storage: { name: 'uring', align: 512 }, passedOver: [] })
  })
})
