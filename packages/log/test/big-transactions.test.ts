/** Transactions that are larger than a segment and than what may be in memory. */

import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '@walrus/codec'
import { Begun } from '@walrus/segment'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import {
  type Durability,
  inspect,
  type InspectItem,
  Log,
  type Transaction,
  verify,
} from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { observed } from './observed-storage.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()

const small = {
  segmentBytes: 65_536,
  transactionMemoryBytes: 65_536,
  maxTransactionEntries: 10_000,
} as const

const STREAMS = ['', 'old', 'new']
const COUNT = 300

/** Adds 300 entries of up to 4,000 bytes to three streams in turn, and one larger than a segment: 700 KB. */
function fill(transaction: Transaction): void {
  for (let n = 0; n < COUNT; n++) {
    const size = n === 150 ? 100_000 : (n * 331) % 4_000
    transaction.append(STREAMS[n % 3], numbered(n, size), n % 7 === 0 ? { term: BigInt(n) } : {})
  }
}

/** What a stream must hold of it. */
function expected(name: string): string[] {
  return Array.from({ length: COUNT }, (_, n) => n)
    .filter((n) => STREAMS[n % 3] === name)
    .map((n) => digest(numbered(n, n === 150 ? 100_000 : (n * 331) % 4_000)))
}

async function contents(log: Log, name: string, from: number): Promise<string[]> {
  const stream = name === '' ? log : log.stream(name)
  const found: string[] = []
  for await (const { data } of stream.entries({ from })) found.push(digest(data))
  return found
}

async function segments(): Promise<Extract<InspectItem, { type: 'segment' }>[]> {
  const found = []
  for await (const item of inspect(dir())) if (item.type === 'segment') found.push(item)
  return found
}

function names(): string[] {
  return readdirSync(dir())
    .filter((name) => /\.(seg|idx|new|tmp)$/.test(name))
    .sort()
}

describe.each<Durability>(['commit', { everyMs: 10 }, 'none'])('under %j', (durability) => {
  it('a transaction has segments of its own, and is there again after a clean close', async () => {
    const log = await Log.open(dir(), { ...small, durability })
    await log.append('first')
    await log.stream('old').append('first')
    const transaction = log.begin()
    fill(transaction)
    expect(names()).toEqual(['000000000001.seg', `tx-${transaction.id.slice(3)}.tmp`])
    const { sequenced } = log.marks
    const positions = await transaction.commit()
    expect(positions).toEqual(
      Array.from({ length: COUNT }, (_, n) => Math.floor(n / 3) + [2, 1, 0][n % 3]!),
    )
    // 300 entries, and a stream that is declared.
    expect(log.marks).toMatchObject({ durable: sequenced + 301, written: sequenced + 301 })
    expect(await log.append('last')).toBe(102)
    expect(log.stream('new').appendSync('last')).toBe(100)
    for (const name of STREAMS) {
      const own = (await contents(log, name, name === '' ? 2 : name === 'old' ? 1 : 0)).slice(
        0,
        100,
      )
      expect(own).toEqual(expected(name))
    }
    const term = await log.stream('new').get(9)
    expect([term.term, term.transactionId]).toEqual([0n, transaction.id])
    expect((await log.get(positions[21]!)).term).toBe(21n)
    await log.close()
    expect(names().filter((name) => /new|tmp/.test(name))).toEqual([])
    expect(await verify(dir())).toMatchObject({ ok: true, entries: 304, staleIndexes: [] })
    const again = await Log.open(dir(), small)
    expect(again.recovery.clean).toBe(true)
    for (const name of STREAMS) {
      const own = (await contents(again, name, name === '' ? 2 : name === 'old' ? 1 : 0)).slice(
        0,
        100,
      )
      expect(own).toEqual(expected(name))
    }
    expect(again.streams()).toEqual(['old', 'new'])
    expect(await again.append('more')).toBe(103)
    await again.close()
  })
})

describe('the segments of a large transaction', () => {
  it('say that they belong together, keep to their size, and are sealed and indexed', async () => {
    const log = await Log.open(dir(), small)
    await log.append('first')
    const transaction = log.begin()
    fill(transaction)
    await transaction.commit()
    await log.append('last')
    const end = log.marks.durable - 1
    await log.close()
    const all = await segments()
    const [before, first, ...others] = all.map(({ header }) => header)
    expect(others.length).toBeGreaterThan(8)
    expect([before!.commitEnd, before!.begun]).toEqual([0, Begun.first])
    expect(first).toMatchObject({ begun: Begun.rotation, commitEnd: end, mark: end })
    for (const header of others) {
      expect(header).toMatchObject({ begun: Begun.continuation, commitEnd: end, mark: end })
    }
    const seals: number[] = []
    for await (const item of inspect(dir())) {
      if (item.type === 'seal') seals.push(item.seal.successor)
      if (item.type === 'group' && item.header.count > 1) {
        expect(item.offset + item.length).toBeLessThanOrEqual(65_536 - 64)
      }
      expect(item.type).not.toBe('bad')
    }
    expect(seals).toEqual(all.slice(1).map(({ header }) => header.id))
    const indexes = names().filter((name) => name.endsWith('.idx'))
    expect(indexes).toHaveLength(all.length)
  })

  it('begin and end where the storage wants groups to', async () => {
    const disk = new SimulatedDisk({ align: 4096 })
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage, ...small })
      await log.append('first')
      const transaction = log.begin()
      fill(transaction)
      await transaction.commit()
      await log.append('last')
      await log.close()
      for await (const item of inspect('/log', { storage })) {
        if (item.type === 'group') expect([item.offset % 4096, item.length % 4096]).toEqual([0, 0])
      }
      expect(await verify('/log', { storage })).toMatchObject({ ok: true, entries: COUNT + 2 })
      const again = await Log.open('/log', { storage, readOnly: true })
      expect((await contents(again, '', 2)).slice(0, 100)).toEqual(expected(''))
      await again.close()
    })
  })

  it('are found wanting when one continues what the one before it is no part of', async () => {
    const log = await Log.open(dir(), small)
    for (let n = 0; n < 3; n++) await log.append(numbered(n, 60_000))
    await log.close()
    const path = join(dir(), '000000000002.seg')
    const bytes = readFileSync(path)
    bytes[112] = Begun.continuation
    bytes.writeUInt32LE(99, 132)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 188)), 188)
    writeFileSync(path, bytes)
    expect((await verify(dir())).damage).toMatchObject([
      { code: 'WALRUS_CORRUPT', file: path, offset: 112, message: /continues a commit/ },
    ])
  })

  it('are not copied by the recovery after a crash', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage, ...small })
      const transaction = log.begin()
      fill(transaction)
      await transaction.commit()
    })
    disk.losePower('lost')
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage, ...small })
      expect(log.recovery).toMatchObject({
        clean: false,
        takenOver: { groups: 0 },
        quarantined: [],
      })
      expect(await contents(log, 'new', 0)).toEqual(expected('new'))
      await log.close()
      let last: Extract<InspectItem, { type: 'segment' }> | undefined
      for await (const item of inspect('/log', { storage })) {
        if (item.type === 'segment') last = item
      }
      expect(last?.header).toMatchObject({ begun: Begun.recovery, commitEnd: 0 })
    })
  })
})

describe('while a large transaction is committed', () => {
  it('nothing of it can be seen, the others wait, and all of it can be seen at once', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { ...small, storage })
    await log.append('first')
    const reader = await Log.open(dir(), { readOnly: true })
    const transaction = log.begin()
    fill(transaction)
    // Held when all but the first segment have their names.
    storage.hold = ({ what }) => what === 'syncDir'
    let done = false
    const committed = transaction.commit().then(() => (done = true))
    const behind = [log.append('behind'), log.stream('old').append('behind')]
    await expect.poll(() => storage.held.length).toBe(1)
    expect(names().filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(8)
    expect(names()).not.toContain('000000000002.seg')
    await reader.refresh()
    expect([done, log.lastIndex, reader.lastIndex]).toEqual([false, 1, 1])
    expect([log.stream('old').next, log.streams(), reader.streams()]).toEqual([0, [], []])
    expect(await verify(dir())).toMatchObject({ ok: true, entries: 1 })
    storage.release()
    await committed
    expect(await Promise.all(behind)).toEqual([102, 100])
    await expect.poll(async () => (await reader.refresh(), reader.lastIndex)).toBe(102)
    expect((await contents(reader, '', 2)).slice(0, 100)).toEqual(expected(''))
    expect((await contents(reader, 'old', 0)).slice(0, 100)).toEqual(expected('old'))
    await reader.close()
    await log.close()
  })

  it.each<Durability>(['commit', 'none'])(
    'appendSync first brings it to its end, wherever it is, under %j',
    async (durability) => {
      for (let turns = 0; turns < 30; turns += 3) {
        const path = join(dir(), String(turns))
        const log = await Log.open(path, { ...small, durability })
        const transaction = log.begin()
        fill(transaction)
        const committed = transaction.commit()
        for (let turn = 0; turn < turns; turn++)
          await new Promise((resolve) => setImmediate(resolve))
        expect(log.appendSync('behind')).toBe(101)
        expect((await committed).length).toBe(COUNT)
        await log.close()
        const again = await Log.open(path)
        expect([again.recovery.clean, again.lastIndex]).toEqual([true, 101])
        for (const name of STREAMS)
          expect((await contents(again, name, 0)).slice(0, 100)).toEqual(expected(name))
        await again.close()
        expect((await verify(path)).ok).toBe(true)
      }
    },
  )

  it.each<Durability>(['commit', 'none'])(
    'appendSync does not overtake those who wait behind it, under %j',
    async (durability) => {
      const log = await Log.open(dir(), { ...small, durability })
      const transaction = log.begin()
      fill(transaction)
      const before = log.append('before')
      const committed = transaction.commit()
      const behind = log.append('behind')
      expect(log.appendSync('last')).toBe(103)
      expect([await before, (await committed)[0], await behind]).toEqual([1, 2, 102])
      await log.close()
    },
  )

  it('closing waits for it', async () => {
    const log = await Log.open(dir(), small)
    const transaction = log.begin()
    fill(transaction)
    const committed = transaction.commit()
    await log.close()
    expect((await committed).length).toBe(COUNT)
    expect(names().filter((name) => /new|tmp/.test(name))).toEqual([])
  })

  it('others of its kind wait too, and every one goes in', async () => {
    const log = await Log.open(dir(), small)
    const all = Array.from({ length: 4 }, () => log.begin())
    for (const each of all) fill(each)
    const positions = await Promise.all(all.map((each) => each.commit()))
    expect(positions.map((each) => each[0])).toEqual([1, 101, 201, 301])
    await log.close()
    expect(await verify(dir())).toMatchObject({ ok: true, entries: 4 * COUNT })
  })
})

describe('a large transaction', () => {
  it('is refused when what it expects does not hold, and nothing was written', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { ...small, storage })
    const transaction = log.begin()
    fill(transaction)
    const told: string[] = []
    transaction.join({
      sequenced: (positions) => void told.push(`sequenced ${positions.length}`),
      acknowledged: () => void told.push(`acknowledged ${log.lastIndex}`),
    })
    const appended = log.append('first')
    await expect(transaction.commit({ expect: { next: 1 } })).rejects.toMatchObject({
      code: 'WALRUS_CONFLICT',
      found: 2,
    })
    expect([await appended, told, transaction.state]).toEqual([1, [], 'pending'])
    expect(storage.groups()).toHaveLength(1)
    await transaction.commit({ expect: { next: 2 } })
    expect(told).toEqual([`sequenced ${COUNT}`, 'acknowledged 101'])
    await log.close()
  })

  it('leaves no file when it is rolled back, or when the process was killed', async () => {
    const log = await Log.open(dir(), small)
    const rolledBack = log.begin()
    fill(rolledBack)
    rolledBack.rollback()
    await expect.poll(() => names()).toEqual(['000000000001.seg'])
    await log.close()
    writeFileSync(join(dir(), `tx-${'0a'.repeat(16)}.tmp`), 'left by another process')
    await (await Log.open(dir())).close()
    expect(names().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('whose file does not read as it was written is refused, and the log goes on', async () => {
    const log = await Log.open(dir(), small)
    const transaction = log.begin()
    fill(transaction)
    const path = join(dir(), `tx-${transaction.id.slice(3)}.tmp`)
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'WALRUS_CORRUPT', file: path })
    transaction.rollback()
    expect(await log.append('a')).toBe(1)
    await log.close()
    expect(names()).toEqual(['000000000001.idx', '000000000001.seg'])
  })

  it('that lost a segment is not opened', async () => {
    const log = await Log.open(dir(), small)
    const transaction = log.begin()
    fill(transaction)
    await transaction.commit()
    await log.close()
    const own = names()
      .filter((name) => name.endsWith('.seg'))
      .slice(1)
    for (const name of [own[0]!, own[1]!, own.at(-1)!]) {
      const path = join(dir(), name)
      renameSync(path, `${path}.away`)
      for (const readOnly of [true, false]) {
        await expect(Log.open(dir(), { readOnly }), name).rejects.toMatchObject({
          code: 'WALRUS_SEGMENT_MISSING',
          file: path,
        })
      }
      renameSync(`${path}.away`, path)
    }
    await (await Log.open(dir())).close()
  })

  it('whose first segment never got its name leaves what the others hold in quarantine', async () => {
    const log = await Log.open(dir(), small)
    await log.append('first')
    const before = ['TAIL', '000000000001.seg'].map((name) => join(dir(), name))
    const bytes = before.map((path) => readFileSync(path))
    const transaction = log.begin()
    fill(transaction)
    await transaction.commit()
    await log.close()
    rmSync(join(dir(), '000000000002.seg'))
    // As it was before the last rename.
    for (const [at, path] of before.entries()) writeFileSync(path, bytes[at]!)
    const others = names().filter((name) => /00[03-9]+\.seg|1\d\.seg/.test(name))
    const reader = await Log.open(dir(), { readOnly: true })
    expect([reader.lastIndex, reader.streams()]).toEqual([1, []])
    await reader.close()
    const again = await Log.open(dir(), small)
    expect([again.lastIndex, again.streams()]).toEqual([1, []])
    expect(again.recovery.quarantined.length).toBe(others.length)
    expect(await again.append('second')).toBe(2)
    await again.close()
    expect((await verify(dir())).ok).toBe(true)
  })
})
