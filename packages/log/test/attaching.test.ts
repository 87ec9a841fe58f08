/** Attaching views: restored from the newest snapshot and the entries behind it, and snapshots made by and by. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type AttachOptions, Log, type View } from '../src/index.ts'
import { encodeEnd, encodeRow, snapshotsOf } from '../src/snapshot-format.ts'
import { freshDirectory } from './fresh-directory.ts'
import { holdingRead } from './holding-read.ts'
import { KeyView, keys, replayed } from './key-view.ts'
import { isGroup, observed } from './observed-storage.ts'
import { DIR, openOn, pathOf, segment } from './simulated.ts'

const dir = freshDirectory()
const SNAPSHOTS = snapshotsOf('keys')

/** Positions of the snapshots' stream, from its first to its next. */
function snapshotsIn(log: Log): [number, number] {
  const { first, next } = log.stream(SNAPSHOTS)
  return [first, next]
}

describe('a view', () => {
  it('is given every entry of its stream, in order, when there is no snapshot', async () => {
    const log = await openOn(new SimulatedDisk())
    await log.append('of the plain log')
    await log.stream('keys').appendBatch(['a', 'b', 'a'])
    await log.stream('others').append('c')
    const view = new KeyView()
    await log.attach(view)
    expect(view.state).toEqual({ a: 2, b: 1 })
    expect([view.restored, view.applied]).toEqual([0, 3])
    await log.close()
  })

  it('is given the newest snapshot, and only the entries behind it', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    const attachment = await log.attach(view)
    await view.put(log, ...keys(50))
    await attachment.snapshot()
    await view.put(log, ...keys(10))
    await attachment.snapshot()
    await view.put(log, 'key 3', 'new')
    expect(snapshotsIn(log)).toEqual([51, 102])
    await log.close()

    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect(restored.state).toEqual(view.state)
    expect(restored.state).toEqual(await replayed(again))
    expect([restored.restored, restored.applied]).toEqual([50, 2])
    await again.close()
  })

  it('that has become empty is restored as empty', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    const attachment = await log.attach(view)
    await view.put(log, 'a')
    view.positions.clear()
    await attachment.snapshot()
    await log.close()
    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect([restored.restored, restored.applied, restored.state]).toEqual([0, 0, {}])
    await again.close()
  })

  it('waits for what is on its way into its stream', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const appended = log.stream('keys').append('a')
    const view = new KeyView()
    const attaching = log.attach(view)
    await expect.poll(() => storage.held.length).toBe(1)
    expect(view.state).toEqual({})
    storage.release()
    await attaching
    expect(view.state).toEqual({ a: 0 })
    await appended
    await log.close()
  })

  it('costs as much to open with a long history as with a short one', async () => {
    const calls: number[] = []
    for (const count of [400, 4_000]) {
      const disk = new SimulatedDisk()
      const log = await openOn(disk, { segmentBytes: 0x1_0000 })
      const view = new KeyView()
      const attachment = await log.attach(view)
      for (let from = 0; from < count; from += 100) {
        const batch = log.batch()
        for (const key of keys(100)) view.add(batch, key.padEnd(40))
        await log.commit(batch)
      }
      await attachment.snapshot()
      await view.put(log, 'behind it')
      await log.close()
      const again = await openOn(disk, { segmentBytes: 0x1_0000 })
      const { calls: before } = disk
      const restored = new KeyView()
      await again.attach(restored)
      calls.push(disk.calls - before)
      expect([restored.restored, restored.applied]).toEqual([100, 1])
      await again.close()
    }
    expect(calls[1]).toBe(calls[0])
  })

  it('fails to attach with what it throws, and may be attached again', async () => {
    const log = await openOn(new SimulatedDisk())
    await log.stream('keys').append('a')
    const broken = new Error('does not like it')
    const view: View = Object.assign(new KeyView(), {
      apply() {
        throw broken
      },
    })
    await expect(log.attach(view)).rejects.toBe(broken)
    const other = new KeyView()
    await log.attach(other)
    expect(other.state).toEqual({ a: 0 })
    await log.close()
  })
})

describe('a snapshot', () => {
  it('is made in the background after as many entries as were asked for', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    await log.attach(view, { snapshotEvery: 10 })
    await view.put(log, ...keys(9))
    await disk.pass(100)
    expect(snapshotsIn(log)).toEqual([0, 0])
    await view.put(log, 'key 0')
    await disk.pass(100)
    expect(snapshotsIn(log)).toEqual([0, 10])
    await view.put(log, ...keys(10))
    await disk.pass(100)
    expect(snapshotsIn(log)).toEqual([10, 21])
    expect(log.stats().snapshotFailure).toBe(undefined)
    await log.close()
  })

  it('is made when attaching has found more entries behind the one before than that', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.stream('keys').appendBatch(keys(10))
    await log.attach(new KeyView(), { snapshotEvery: 10 })
    await disk.pass(100)
    expect(snapshotsIn(log)).toEqual([0, 11])
    await log.close()
  })

  it('is not made again by itself before there are as many entries behind it as it has rows', async () => {
    const log = await Log.open(dir(), { durability: 'none' })
    const view = new KeyView()
    await log.attach(view)
    const put = async (names: readonly string[]): Promise<void> => {
      const batch = log.batch()
      for (const name of names) view.add(batch, name)
      await log.commit(batch)
    }
    const written = async (rows: number): Promise<void> =>
      await expect.poll(() => snapshotsIn(log), { timeout: 10_000 }).toEqual([0, rows + 1])
    await put(keys(65_535))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(snapshotsIn(log)).toEqual([0, 0])
    await put(keys(5_000, 65_535))
    await written(70_535)
    await put(keys(65_536))
    await put(keys(4_998))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(snapshotsIn(log)).toEqual([0, 70_536])
    await put(['one more'])
    await expect
      .poll(() => snapshotsIn(log), { timeout: 10_000 })
      .toEqual([70_536, 70_536 + 70_537])
    await log.close()
  })

  it('is what was sequenced when it began, whatever comes while it is written', async () => {
    const disk = new SimulatedDisk()
    const options = { bufferBytes: 65_536 }
    const log = await openOn(disk, options)
    const view = new KeyView('keys', 20_000)
    const attachment = await log.attach(view)
    await view.put(log, ...keys(20))
    const later: Promise<void>[] = []
    view.onRow = (row) => {
      // In what is its next commit, the one that is awaited, and before any.
      if (row % 3 === 0) later.push(view.put(log, `key ${row}`, `new ${row}`))
    }
    await attachment.snapshot()
    expect(later).toHaveLength(7)
    await Promise.all(later)
    await log.close()
    const again = await openOn(disk, options)
    const restored = new KeyView()
    await again.attach(restored)
    expect([restored.restored, restored.applied]).toEqual([20, 14])
    expect(restored.state).toEqual(await replayed(again))
    await again.close()
  })

  it('larger than the buffer is written in several commits, one after another', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { bufferBytes: 65_536 })
    const view = new KeyView('keys', 10_000)
    const attachment = await log.attach(view)
    await view.put(log, ...keys(30))
    const durable = new Set<number>()
    view.onRow = () => {
      const { marks } = log
      expect(marks.sequenced).toBe(marks.durable)
      durable.add(marks.durable)
    }
    await attachment.snapshot()
    // Six rows in each.
    expect(durable.size).toBe(5)
    await log.close()
  })

  it('holds nothing that a full disk takes back', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    const attachment = await log.attach(view)
    await view.put(log, 'a')
    let full = false
    disk.fault = ({ kind }) => {
      if (full || kind !== 'durable write') return undefined
      full = true
      return 'ENOSPC'
    }
    const put = view.put(log, 'b')
    // It is sequenced, and the view shows it.
    expect(view.state).toEqual({ a: 0, b: 1 })
    const made = attachment.snapshot()
    await expect(put).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    await expect(made).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
    expect(full).toBe(true)
    expect(snapshotsIn(log)).toEqual([0, 0])
    await view.put(log, 'c')
    await attachment.snapshot()
    await log.close()
    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect(restored.state).toEqual({ a: 0, c: 1 })
    expect([restored.restored, restored.applied]).toEqual([2, 0])
    await again.close()
  })

  it('for which there is no space in the middle is passed over, said so, and made later', async () => {
    const disk = new SimulatedDisk()
    const warnings: object[] = []
    const warn = (_: string, fields: object): void => void warnings.push(fields)
    const logger = { debug() {}, info() {}, warn, error() {} }
    const log = await openOn(disk, { bufferBytes: 65_536, logger })
    const view = new KeyView('keys', 20_000)
    const attachment = await log.attach(view, { snapshotEvery: 10 })
    await view.put(log, ...keys(9))
    await attachment.snapshot()
    view.onRow = (row) => {
      if (row === 6) disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
    }
    await view.put(log, ...keys(10))
    await disk.pass(100)
    expect(log.stats().snapshotFailure).toMatchObject({ code: 'WALRUS_DISK_FULL' })
    expect(warnings.at(-1)).toMatchObject({ dir: DIR, stream: 'keys' })
    disk.fault = undefined
    view.onRow = () => {}
    const cutShort = snapshotsIn(log)
    expect(cutShort[0]).toBe(0)
    expect(cutShort[1]).toBeGreaterThan(10)

    const reader = await openOn(disk, { readOnly: true })
    const restored = new KeyView()
    await reader.attach(restored)
    expect([restored.restored, restored.applied]).toEqual([9, 10])
    expect(restored.state).toEqual(view.state)
    await reader.close()

    await view.put(log, ...keys(10))
    await disk.pass(100)
    expect(log.stats().snapshotFailure).toBe(undefined)
    expect(snapshotsIn(log)).toEqual([cutShort[1], cutShort[1] + 11])
    await log.close()
  })

  it('with a row beyond the size of an entry is refused', async () => {
    const log = await openOn(new SimulatedDisk(), { maxEntryBytes: 1_000 })
    const view = new KeyView('keys', 993)
    const attachment = await log.attach(view)
    await view.put(log, 'a')
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_ENTRY_TOO_LARGE' })
    expect(await log.append('the log goes on')).toBe(1)
    await log.close()
  })

  it('that was asked for spares the one in the background', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    const attachment = await log.attach(view, { snapshotEvery: 10 })
    await view.put(log, 'a')
    const made = [attachment.snapshot(), attachment.snapshot()]
    view.onRow = () => {
      if (view.positions.size > 1) return
      for (const key of keys(20)) made.push(view.put(log, key))
    }
    await Promise.all(made)
    await disk.pass(100)
    // One of a row, and one of all.
    expect(snapshotsIn(log)).toEqual([2, 2 + 22])
    await log.close()
  })

  it('is not made for nothing', async () => {
    const log = await openOn(new SimulatedDisk())
    const view = new KeyView()
    const attachment = await log.attach(view)
    await attachment.snapshot()
    expect(snapshotsIn(log)).toEqual([0, 0])
    await view.put(log, 'a')
    await Promise.all([attachment.snapshot(), attachment.snapshot()])
    expect(snapshotsIn(log)).toEqual([0, 2])
    await log.close()
  })
})

describe('attaching', () => {
  it('a second view to the same stream is an error until the first is released', async () => {
    const log = await openOn(new SimulatedDisk())
    await log.stream('keys').append('a')
    const attaching = log.attach(new KeyView())
    const refused = { code: 'WALRUS_ALREADY_ATTACHED' }
    await expect(log.attach(new KeyView())).rejects.toMatchObject(refused)
    const attachment = await attaching
    await expect(log.attach(new KeyView())).rejects.toMatchObject(refused)
    await log.attach(new KeyView('other keys'))
    expect(attachment.release()).toBe(attachment.release())
    await attachment.release()
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await expect(attachment.refresh()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await log.attach(new KeyView())
    await log.close()
    await expect(log.attach(new KeyView())).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
  })

  it.each([
    ['nothing', undefined, {}, 'a view must have a stream, and the functions restore, apply and'],
    ['a stream alone', { stream: 'keys' }, {}, 'a view must have'],
    ['no name', new KeyView(''), {}, "a stream's name must be a non-empty string"],
    ['snapshots', new KeyView(SNAPSHOTS), {}, 'holds the snapshots of a view'],
    ['a long name', new KeyView('x'.repeat(1015)), {}, 'of 1014 bytes of UTF-8, got 1015'],
    ['snapshots always', new KeyView(), { snapshotEvery: 0 }, 'snapshotEvery must be an integer'],
    ['a misspelt option', new KeyView(), { every: 5 }, 'attach has no option "every"'],
  ])('refuses %s', async (_, view, options, message) => {
    const log = await openOn(new SimulatedDisk())
    await expect(log.attach(view as View, options as AttachOptions)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
      message: expect.stringContaining(message) as string,
    })
    await log.close()
  })

  it('takes the longest name', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView('x'.repeat(1014))
    const attachment = await log.attach(view)
    await view.put(log, 'a')
    await attachment.snapshot()
    expect(log.streams().map(({ length }) => length)).toEqual([1014, 1024])
    await log.close()
  })
})

describe('releasing', () => {
  it('waits for the snapshot under way', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    const view = new KeyView()
    const attachment = await log.attach(view)
    await view.put(log, 'a')
    storage.hold = isGroup
    const made = attachment.snapshot()
    let released = false
    const releasing = attachment.release().then(() => {
      released = true
    })
    await expect.poll(() => storage.held.length).toBe(1)
    expect(released).toBe(false)
    storage.release()
    await made
    await releasing
    expect(snapshotsIn(log)).toEqual([0, 2])
    await log.close()
  })

  it('is part of closing the log, which ends a snapshot between two commits', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { bufferBytes: 65_536 })
    const view = new KeyView('keys', 20_000)
    const attachment = await log.attach(view)
    await view.put(log, ...keys(20))
    let closing: Promise<void> | undefined
    view.onRow = (row) => {
      if (row === 5) closing = log.close()
    }
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await closing
    await attachment.release()
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    const { calls } = disk
    await disk.pass(1_000)
    expect(disk.calls).toBe(calls)

    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect([restored.restored, restored.applied]).toEqual([0, 20])
    await again.close()
  })

  it('is part of closing while a view is being attached', async () => {
    const disk = new SimulatedDisk()
    const { storage, letGo } = holdingRead(disk.process())
    const log = await Log.open(DIR, { storage })
    await log.stream('keys').appendBatch(keys(10_000))
    const view = new KeyView()
    const refused = expect(log.attach(view)).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    await expect.poll(() => view.applied).toBeGreaterThan(0)
    let closed = false
    const closing = log.close().then(() => {
      closed = true
    })
    await disk.pass(1_000)
    expect(closed).toBe(false)
    letGo()
    await closing
    await refused
  })
})

describe('a log that has failed', () => {
  it('makes no snapshot, says why, and shows views what it has', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    const view = new KeyView()
    const attachment = await log.attach(view, { snapshotEvery: 3 })
    await view.put(log, 'a', 'b')
    disk.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
    await expect(view.put(log, 'c')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    expect(view.state).toEqual({ a: 0, b: 1 })
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    await attachment.release()
    await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    disk.fault = undefined
    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect(restored.state).toEqual(await replayed(again))
    await again.close()
  })
})

describe('what no snapshot holds', () => {
  const end = encodeEnd(1, 1)
  it.each([
    ['an entry of another kind', [Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)], 0],
    ['an entry without a header', [Uint8Array.of(1, 0, 0)], 0],
    ['an end that is too short', [encodeRow(0, Buffer.from('["a",0]')), end.subarray(0, 15)], 1],
    ['an end that is too long', [Uint8Array.of(...encodeEnd(0, 1), 0)], 0],
    [
      'an end of more rows than there are',
      [encodeRow(0, Buffer.from('["a",0]')), encodeEnd(2, 1)],
      1,
    ],
    ['a row in another place', [encodeRow(1, Buffer.from('["a",0]')), encodeEnd(1, 1)], 0],
    ['an end among the rows', [encodeEnd(0, 1), encodeEnd(1, 1)], 0],
    ['a snapshot of what is not there yet', [encodeEnd(0, 4)], 0],
  ])('is corrupt, and the place is named: %s', async (_, entries, position) => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk)
    await log.stream('keys').appendBatch(['a', 'b', 'c'])
    await log.stream(SNAPSHOTS).appendBatch(entries)
    await disk.pass(10)
    for (const readOnly of [false, true]) {
      const opened = readOnly ? await openOn(disk, { readOnly }) : log
      const error: unknown = await opened.attach(new KeyView()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'WALRUS_CORRUPT',
        file: pathOf(segment(1)),
        index: position,
        message: expect.stringContaining('the view over "keys"') as string,
      })
      const { offset } = error as { offset: number }
      expect(offset).toBeGreaterThan(256)
      if (readOnly) await opened.close()
    }
    await log.close()
  })
})

describe('retention', () => {
  it('keeps what a view needs, which moves on when it is in the way', async () => {
    const disk = new SimulatedDisk()
    const options = { segmentBytes: 0x1_0000, retention: { maxSegments: 3 } }
    const log = await openOn(disk, options)
    const view = new KeyView()
    const attachment = await log.attach(view)
    await view.put(log, 'a', 'b')
    await attachment.snapshot()
    for (let round = 0; round < 60; round++) {
      await log.append(Buffer.alloc(9_000))
      await disk.pass(50)
    }
    expect(log.stats().segments).toBeLessThanOrEqual(4)
    expect(log.stream('keys').first).toBe(2)
    expect(log.stats()).toMatchObject({ snapshotFailure: undefined, retentionFailure: undefined })
    await log.close()
    const again = await openOn(disk, options)
    const restored = new KeyView()
    await again.attach(restored)
    expect(restored.state).toEqual({ a: 0, b: 1 })
    await again.close()
  })

  it('that asks for less than one snapshot is not answered with one after another', async () => {
    const disk = new SimulatedDisk()
    const options = { segmentBytes: 0x1_0000, bufferBytes: 0x1_0000, retention: { maxSegments: 1 } }
    const log = await openOn(disk, options)
    const view = new KeyView('keys', 9_000)
    const attachment = await log.attach(view)
    await view.put(log, ...keys(30))
    await attachment.snapshot()
    await disk.pass(1_000)
    const { sequenced } = log.marks
    for (let round = 0; round < 20; round++) {
      await view.put(log, 'key 1')
      await disk.pass(100)
    }
    // What was put, at most one snapshot, and what moved bounds.
    expect(log.marks.sequenced - sequenced).toBeLessThan(20 + 31 + 10)
    await log.close()
  })

  it('that may drop what is claimed drops it, and leaves what is behind', async () => {
    const disk = new SimulatedDisk()
    const log = await openOn(disk, { segmentBytes: 0x1_0000, bufferBytes: 0x1_0000 })
    const view = new KeyView('keys', 20_000)
    const attachment = await log.attach(view)
    await view.put(log, ...keys(9))
    await attachment.snapshot()
    await view.put(log, 'behind')
    const { claims } = await log.retain({ maxSegments: 2, dryRun: true })
    expect(claims).toMatchObject([{ name: 'view of keys', stream: SNAPSHOTS, dropped: false }])
    await attachment.release()
    await log.retain({ maxSegments: 1 })
    expect(log.stream(SNAPSHOTS).first).toBeGreaterThan(0)
    await log.close()
    const again = await openOn(disk)
    const restored = new KeyView()
    await again.attach(restored)
    expect(restored.restored).toBe(0)
    expect(restored.state).toEqual(await replayed(again))
    await again.close()
  })
})
