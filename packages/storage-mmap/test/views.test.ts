/** Views of a file that grows, is closed, or is not there as far as was asked. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Log } from '@walrus/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auto, mmap } from '../src/index.ts'
import { mapsOf } from './maps.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-mmap-'))
})

afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

describe('a view', () => {
  it('of a file that has grown shows what is new, and older ones stay as they are', async () => {
    const file = await mmap().open(join(dir, 'a'), 'create')
    const views: Uint8Array[] = []
    for (let round = 0; round < 20; round++) {
      await file.write(new Uint8Array(5000).fill(round + 1), round * 5000, round % 2 === 0)
      views.push(file.view(round * 5000, 5000)!)
    }
    views.forEach((view, round) => {
      expect(view.length).toBe(5000)
      expect(new Set(view)).toEqual(new Set([round + 1]))
    })
    // Through whichever map: a file has one content.
    await file.write(Uint8Array.of(99), 3, false)
    expect([views[0]![3], file.view(3, 1)![0]]).toEqual([99, 99])
    await file.close()
    expect(views.map((view) => view.length)).toEqual(views.map(() => 0))
  })

  it('ends where the file ends', async () => {
    const file = await mmap().open(join(dir, 'a'), 'create')
    expect(file.view(0, 10)).toHaveLength(0)
    await file.write(new Uint8Array(100), 0, false)
    expect(file.view(90, 20)).toHaveLength(10)
    expect(file.view(100, 20)).toHaveLength(0)
    expect(file.view(5000, 20)).toHaveLength(0)
    expect(file.view(20, 0)).toHaveLength(0)
    await file.close()
  })

  it('is refused of a closed file, and where there can be none', async () => {
    const file = await mmap().open(join(dir, 'a'), 'create')
    await file.write(new Uint8Array(100), 0, false)
    for (const [at, length] of [
      [-1, 5],
      [0.5, 5],
      [0, -1],
      [0, 2 ** 53],
      [Number.NaN, 1],
    ] as const) {
      expect(() => file.view(at, length)).toThrow(
        expect.objectContaining({ code: 'WALRUS_INVALID_OPTION', file: join(dir, 'a') }),
      )
    }
    file.closeSync()
    expect(() => file.view(0, 5)).toThrow(expect.objectContaining({ code: 'WALRUS_CLOSED' }))
  })

  it('lasts while something looks at it, and its map no longer', async () => {
    const path = join(dir, 'a')
    const file = await mmap().open(path, 'create')
    let kept: Uint8Array | undefined
    for (let round = 0; round < 200; round++) {
      await file.write(new Uint8Array(4096).fill(round), round * 4096, false)
      const view = file.view(round * 4096, 4096)
      if (round === 7) kept = view
    }
    for (let turn = 0; turn < 10 && mapsOf(path) > 2; turn++) {
      collectGarbage()
      await new Promise((resolve) => setImmediate(resolve))
    }
    // The newest, and the one that is looked at.
    expect(mapsOf(path)).toBeLessThanOrEqual(2)
    expect(new Set(kept)).toEqual(new Set([7]))
    await file.close()
    expect(mapsOf(path)).toBe(0)
    expect(kept).toHaveLength(0)
  })
})

describe('a log', () => {
  it('is read where it lies, and closing it leaves no map', async () => {
    const log = await Log.open(dir, { storage: mmap(), segmentBytes: 65_536 })
    const stream = log.stream('orders')
    for (let n = 1; n <= 300; n++) {
      await log.append(`entry ${n} `.repeat(n % 50))
      stream.appendSync(`order ${n}`)
    }
    const entries = Array.from({ length: 300 }, (_, at) => log.view(at + 1))
    entries.forEach(({ data }, at) => {
      expect(Buffer.from(data).toString()).toBe(`entry ${at + 1} `.repeat((at + 1) % 50))
    })
    expect(Buffer.from(stream.view(299).data).toString()).toBe('order 300')
    // A read takes a copy, which outlives the log.
    const copy = await log.get(7)
    await log.close()
    expect(entries.every(({ data }) => data.length === 0)).toBe(true)
    expect(Buffer.from(copy.data).toString()).toBe('entry 7 '.repeat(7))
    expect(mapsOf(dir)).toBe(0)
  })

  it('is the same file for file as one on plain Node reads it', async () => {
    const log = await Log.open(dir, { storage: mmap(), durability: 'none' })
    for (let n = 1; n <= 5000; n++) log.appendSync(`entry ${n}`)
    await log.close()
    const again = await Log.open(dir)
    expect(again.recovery.clean).toBe(true)
    expect((await again.range(1, 5000)).map(({ data }) => Buffer.from(data).toString())).toEqual(
      Array.from({ length: 5000 }, (_, at) => `entry ${at + 1}`),
    )
    await again.close()
  })
})

describe('options', () => {
  it('that are wrong are named', () => {
    for (const make of [mmap, auto]) {
      expect(() => make({ zeroahead: true } as object)).toThrow('zeroahead')
      expect(() => make({ zeroAhead: 1 } as object)).toThrow(
        expect.objectContaining({ code: 'WALRUS_INVALID_OPTION' }),
      )
    }
    expect(mmap({ zeroAhead: false }).zeroAhead).toBe(false)
  })

  it('auto takes this storage where it works', () => {
    expect(auto()).toMatchObject({ storage: { name: 'mmap', canView: true }, passedOver: [] })
  })
})
