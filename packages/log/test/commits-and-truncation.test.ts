/** Commits that take several segments, and what is cut off them, let go of them, or prepared before that. */

import { readdirSync } from 'node:fs'
import { SimulatedDisk } from '@walrus/storage-sim'
import { afterEach, describe, expect, it } from 'vitest'
import { Log, type LogOptions, type Stream, type Transaction, verify } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { crashed } from './transaction-crash.ts'
import { DIR, filesIn, runOn } from './simulated.ts'

const dir = freshDirectory()
const open: Log[] = []
afterEach(async () => {
  for (const log of open.splice(0)) await log.close()
})

/** About six entries fill a segment; a transaction of more than six is too large for memory. */
const SMALL = { segmentBytes: 65_536, transactionMemoryBytes: 65_536 } as const

async function openLog(options: LogOptions = {}): Promise<Log> {
  const log = await Log.open(dir(), { ...SMALL, ...options })
  open.push(log)
  return log
}

/** An entry of 10,000 bytes that begins with a label. */
function entry(label: string): string {
  return `${label};`.padEnd(10_000, '.')
}

function labels(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}`)
}

async function read(from: Log | Stream): Promise<string[]> {
  const found: string[] = []
  for await (const { index, data } of from.entries()) {
    found.push(Buffer.from(data).toString().split(';')[0]!)
    const got = await from.get(index)
    expect(Buffer.compare(got.data, data)).toBe(0)
  }
  return found
}

/** Entries for the plain log and for stream `s` in turn. */
function filled(log: Log, count: number, prefix = 't'): Transaction {
  const transaction = log.begin()
  for (const [at, label] of labels(prefix, count).entries())
    transaction.append(at % 2 === 0 ? undefined : 's', entry(label))
  return transaction
}

function every(prefix: string, count: number, odd: number): string[] {
  return labels(prefix, count).filter((_, at) => at % 2 === odd)
}

function segmentsIn(path: string): number[] {
  const names = readdirSync(path).filter((name) => /^\d+\.seg$/.test(name))
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
}

describe('a commit of several segments', () => {
  it('can be cut at any of its entries, in each of its streams, and goes on from there', async () => {
    for (let kept = 1; kept <= 13; kept++) {
      const path = `${dir()}/${kept}`
      let log = await Log.open(path, SMALL)
      const reader = await Log.open(path, { readOnly: true })
      await log.append(entry('first'))
      await filled(log, 24).commit()
      await log.truncate(kept)
      const rest = every('t', 24, 0).slice(0, kept - 1)
      const stream = every('t', 24, 1)
      expect(await read(log)).toEqual(['first', ...rest])
      expect(await read(log.stream('s'))).toEqual(stream)
      expect(await log.append(entry('next'))).toBe(kept + 1)
      await filled(log, 14, 'u').commit()
      const plain = ['first', ...rest, 'next', ...every('u', 14, 0)]
      await expect.poll(async () => (await reader.refresh(), reader.lastIndex)).toBe(kept + 8)
      for (const each of [log, reader]) {
        expect(await read(each)).toEqual(plain)
        expect(await read(each.stream('s'))).toEqual([...stream, ...every('u', 14, 1)])
      }
      await reader.close()
      await log.close()
      log = await Log.open(path)
      expect(log.recovery).toMatchObject({ clean: true })
      expect(await read(log)).toEqual(plain)
      await log.close()
      expect((await verify(path)).ok).toBe(true)
    }
  })

  it('is cut by a truncation that is asked for while it is on its way', async () => {
    const storage = observed()
    const log = await openLog({ storage })
    await log.append(entry('first'))
    storage.hold = ({ what }) => what === 'syncDir'
    const committed = filled(log, 20).commit()
    await expect.poll(() => storage.held.length).toBe(1)
    const cut = log.truncate(3)
    const cutStream = log.stream('s').truncateFront(9)
    const behind = log.append(entry('behind'))
    storage.release()
    expect(await committed).toHaveLength(20)
    await Promise.all([cut, cutStream])
    expect(await behind).toBe(4)
    expect(await read(log)).toEqual(['first', 't0', 't2', 'behind'])
    expect(await read(log.stream('s'))).toEqual(['t19'])
  })

  it('is left as it was cut by the opening after a crash', async () => {
    const disk = new SimulatedDisk({ seed: 3 })
    const left = await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { storage, ...SMALL })
      await filled(log, 24).commit()
      await log.truncate(4)
      await log.append(entry('after'))
      return crashed(disk, 'kill')
    })
    for (let opening = 0; opening < 3; opening++) {
      await runOn(left, async (storage) => {
        const log = await Log.open(DIR, { storage, ...SMALL })
        expect(await read(log)).toEqual(['t0', 't2', 't4', 't6', 'after'])
        expect(await read(log.stream('s'))).toEqual(every('t', 24, 1))
        if (opening === 1) await log.close()
      })
    }
  })
})

describe('a transaction that was prepared before a truncation', () => {
  it.each([
    ['small', 4],
    ['of several segments', 20],
  ])('goes in behind it when it is committed after it: %s', async (_, count) => {
    const log = await openLog()
    for (const label of labels('a', 6)) await log.append(entry(label))
    for (const label of labels('b', 6)) await log.stream('s').append(entry(label))
    const transaction = filled(log, count)
    const cut = log.truncate(2)
    const cutFront = log.stream('s').truncateFront(6)
    const positions = await transaction.commit()
    expect(positions).toEqual(
      Array.from({ length: count }, (_, at) => (at >> 1) + (at % 2 === 0 ? 3 : 6)),
    )
    await Promise.all([cut, cutFront])
    expect(await read(log)).toEqual(['a0', 'a1', ...every('t', count, 0)])
    expect(await read(log.stream('s'))).toEqual(every('t', count, 1))
  })

  it.each([
    ['small', 4],
    ['of several segments', 20],
  ])('is refused when it expected what was cut, and nothing is kept: %s', async (_, count) => {
    const log = await openLog()
    for (const label of labels('a', 6)) await log.append(entry(label))
    const transaction = filled(log, count)
    transaction.expect(undefined, 7)
    const cut = log.truncate(2)
    const refused = { code: 'WALRUS_CONFLICT', stream: '', expected: 7, found: 3 }
    await expect(transaction.commit()).rejects.toMatchObject(refused)
    await cut
    expect(transaction.state).toBe('pending')
    expect(await read(log)).toEqual(['a0', 'a1'])
    expect(log.streams()).toEqual([])
  })

  it('is taken back with it when the disk is full, and both can be done again', async () => {
    const disk = new SimulatedDisk({ zeroAhead: false })
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { storage, ...SMALL })
      for (const label of labels('a', 5)) await log.append(entry(label))
      const transaction = filled(log, 4)
      const told: string[] = []
      transaction.join({
        sequenced: (positions) => void told.push(`sequenced ${positions.join(' ')}`),
        acknowledged: () => void told.push('acknowledged'),
        failed: () => void told.push('failed'),
      })
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
      const full = { code: 'WALRUS_DISK_FULL' }
      const refused = [log.append('x'), log.truncate(2), transaction.commit(), log.truncate(3)]
      for (const each of refused) await expect(each).rejects.toMatchObject(full)
      disk.fault = undefined
      expect(await read(log)).toEqual(labels('a', 5))
      expect(log.nextIndex).toBe(6)
      const cut = log.truncate(2)
      expect(await transaction.commit({ expect: { next: 3 } })).toEqual([3, 0, 4, 1])
      await cut
      expect(told).toEqual(['sequenced 3 0 4 1', 'failed', 'sequenced 3 0 4 1', 'acknowledged'])
      expect(await read(log)).toEqual(['a0', 'a1', 't0', 't2'])
      await log.close()
    })
  })
})

describe('a precondition', () => {
  it('holds where a stream was emptied from the front, also after another opening', async () => {
    let log = await openLog()
    for (const label of labels('a', 9)) await log.append(entry(label))
    for (const label of labels('b', 9)) await log.stream('s').append(entry(label))
    await log.truncateFront(10)
    await log.stream('s').truncateFront(9)
    for (let opening = 0; opening < 2; opening++) {
      const batch = log.batch()
      batch.expect(undefined, 0)
      await expect(log.commit(batch)).rejects.toMatchObject({ found: 10 })
      batch.clear()
      batch.expect('s', 0)
      await expect(log.commit(batch)).rejects.toMatchObject({ found: 9 })
      await log.retain()
      await log.close()
      log = await openLog()
    }
    const transaction = filled(log, 14)
    transaction.expect(undefined, 10)
    transaction.expect('s', 9)
    const positions = await transaction.commit()
    expect([positions[0], positions[1]]).toEqual([10, 9])
    expect(await read(log)).toEqual(every('t', 14, 0))
    expect(await read(log.stream('s'))).toEqual(every('t', 14, 1))
  })
})

describe('retention', () => {
  it('lets a commit of several segments go as a whole, and not before all of it may go', async () => {
    const log = await openLog()
    await log.append(entry('first'))
    await filled(log, 30).commit()
    const chain = segmentsIn(dir())
    expect(chain.length).toBeGreaterThan(5)
    // The last of them is the one that is written to.
    const kept = await log.retain({ maxSegments: 2 })
    expect(kept.segments).toHaveLength(1)
    expect(kept.kept.segments).toBe(chain.length - 1)
    expect(await read(log)).toEqual(every('t', 30, 0))
    for (const label of labels('a', 8)) await log.append(entry(label))
    // What is wanted to be kept has the end of it.
    const asked = await log.retain({ maxSegments: 3, dryRun: true })
    expect(asked.segments).toHaveLength(chain.length - 1)
    await log.retain({ maxSegments: 3 })
    await log.retain({ maxSegments: 3 })
    expect(await read(log)).toEqual(labels('a', 8).slice(-(await read(log)).length))
    expect(await read(log.stream('s'))).toEqual([])
    expect(log.stream('s').next).toBe(15)
  })

  it('keeps all of it for a claim to any of it', async () => {
    const log = await openLog()
    await filled(log, 30).commit()
    for (const label of labels('a', 30)) await log.append(entry(label))
    const claim = log.claim('view', () => [{ stream: 's', from: 14 }])
    const { segments, claims } = await log.retain({ maxSegments: 2 })
    expect(segments.length).toBeLessThanOrEqual(1)
    expect(claims).toEqual([{ name: 'view', stream: 's', from: 14, dropped: false }])
    expect(await read(log.stream('s'))).toEqual(every('t', 30, 1))
    claim.release()
    await log.retain({ maxSegments: 2 })
    await log.retain({ maxSegments: 2 })
    expect(await read(log.stream('s'))).toEqual([])
    expect(segmentsIn(dir())).toHaveLength(2)
  })

  it('removes the first segments of a commit once nothing in them is kept', async () => {
    const log = await openLog()
    await filled(log, 40).commit()
    const before = segmentsIn(dir())
    await log.truncateFront(16)
    await log.stream('s').truncateFront(15)
    for (const label of labels('a', 8)) await log.append(entry(label))
    for (let again = 0; again < 2; again++) {
      await log.retain()
      await log.append(entry('more'))
    }
    const after = segmentsIn(dir())
    expect(after[0]).toBeGreaterThan(before[2]!)
    expect(after[0]).toBeLessThan(before.at(-1)!)
    await log.close()
    const again = await openLog()
    expect(again.recovery.clean).toBe(true)
    expect((await read(again)).slice(0, 5)).toEqual(['t30', 't32', 't34', 't36', 't38'])
    expect((await verify(dir())).ok).toBe(true)
  })

  it('finds what to let go where there is nothing but commits of several segments', async () => {
    const log = await openLog({ retention: { maxSegments: 8 } })
    for (let number = 0; number < 12; number++) await filled(log, 20, `${number}-`).commit()
    await log.retain()
    await filled(log, 20, 'last-').commit()
    await log.retain()
    expect(segmentsIn(dir()).length).toBeLessThanOrEqual(8)
    expect((await read(log)).slice(-10)).toEqual(every('last-', 20, 0))
    const { next } = log.stream('s')
    await log.close()
    const again = await openLog()
    expect([again.nextIndex, again.stream('s').next, again.streams()]).toEqual([131, next, ['s']])
    expect((await verify(dir())).ok).toBe(true)
  })

  it('leaves what recovery needs to know that the rest of a commit counts, and another does not', async () => {
    const disk = new SimulatedDisk({ seed: 9 })
    const crashes: SimulatedDisk[] = []
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { storage, ...SMALL })
      await filled(log, 40).commit()
      await log.truncateFront(19)
      await log.stream('s').truncateFront(18)
      await log.stream('s').append(entry('rotated'))
      await log.retain()
      await filled(log, 20, 'u').commit()
      await log.retain()
      // The oldest segment is one that continues a commit now, and so are those that get their names first.
      disk.fault = ({ kind, path }) => {
        if (kind === 'rename' && path.includes('.seg')) crashes.push(crashed(disk, 'kill'))
        return undefined
      }
      await filled(log, 40, 'v').commit()
      disk.fault = undefined
      await log.close()
    })
    expect(crashes.length).toBeGreaterThan(3)
    const found = new Set<number>()
    for (const left of crashes) {
      const names = Object.keys(filesIn(left)).filter((name) => name.endsWith('.seg'))
      found.add(names.length)
      await runOn(left, async (storage) => {
        const log = await Log.open(DIR, { storage, ...SMALL })
        const entries = await read(log)
        expect(entries.slice(0, 2)).toEqual(['t36', 't38'])
        const others = entries.slice(2).join()
        const before = every('u', 20, 0)
        expect([before.join(), [...before, ...every('v', 40, 0)].join()]).toContain(others)
        await log.close()
        expect((await verify(DIR, { storage })).ok).toBe(true)
      })
    }
    expect(found.size).toBeGreaterThan(3)
  })

  it('removes nothing that a claim needs that is moved by a transaction, whenever power is lost', async () => {
    const disk = new SimulatedDisk({ seed: 2 })
    const crashes: SimulatedDisk[] = []
    await runOn(disk, async (storage) => {
      const log = await Log.open(DIR, { storage, ...SMALL, durability: 'none' })
      let cursor = 0
      log.claim('reader', () => [{ stream: 's', from: cursor }])
      disk.fault = ({ change }) => {
        if (change !== undefined) crashes.push(crashed(disk, 'lost'), crashed(disk, 'any'))
        return undefined
      }
      for (let step = 1; step <= 6; step++) {
        for (const label of labels('a', 7)) await log.stream('s').append(entry(label))
        const batch = log.batch()
        const to = step * 6
        batch.append('cursor', String(to))
        batch.join({ sequenced: () => void (cursor = to) })
        await log.commit(batch)
        await log.retain({ maxSegments: 1 })
      }
      disk.fault = undefined
      expect(log.stream('s').first).toBeGreaterThan(20)
      await log.close()
    })
    for (const left of crashes) {
      await runOn(left, async (storage) => {
        const log = await Log.open(DIR, { storage, ...SMALL })
        const cursor = log.stream('cursor')
        // Claimed by nobody, it may have gone with its segment.
        if (cursor.next > cursor.first) {
          const { data } = await cursor.get(cursor.next - 1)
          expect(log.stream('s').first).toBeLessThanOrEqual(Number(Buffer.from(data).toString()))
        }
        await log.close()
      })
    }
  })
})
