/** Transactions: their life, their limits, and what is in the log of them. */

import { readdirSync } from 'node:fs'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log, type LogOptions, Transaction } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'

const dir = freshDirectory()

function text({ data }: { readonly data: Uint8Array }): string {
  return Buffer.from(data).toString()
}

/** Runs something with a log whose time passes as the test says. */
async function simulated(
  options: LogOptions,
  run: (log: Log, pass: (ms: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const disk = new SimulatedDisk()
  await disk.run(async (storage) => {
    const log = await Log.open('/log', { storage, ...options })
    await run(log, (ms) => new Promise((resolve) => storage.env.after(ms, resolve, true)))
    await log.close()
  })
}

describe.each<Durability>(['commit', { everyMs: 10 }, 'none'])(
  'a transaction under %j',
  (durability) => {
    it('goes in as one when it is committed, under its id', async () => {
      const storage = observed()
      const log = await Log.open(dir(), { storage, durability })
      const transaction = log.begin()
      expect(transaction.id).toMatch(/^tx_[0-9a-f]{32}$/)
      expect([transaction.state, log.transactions]).toEqual(['pending', 1])
      transaction.add('a')
      expect(transaction.append('s', 'b', { term: 3n })).toBe(1)
      transaction.add('c', { timestamp: 5n })
      expect(transaction.count).toBe(3)
      expect([storage.groups(), log.lastIndex, log.streams()]).toEqual([[], 0, []])
      const committed = transaction.commit()
      expect([transaction.state, log.transactions]).toEqual(['committing', 1])
      expect(await committed).toEqual([1, 0, 2])
      expect([transaction.state, log.transactions, log.stats().transactions]).toEqual([
        'committed',
        0,
        0,
      ])
      expect(storage.groups()).toHaveLength(1)
      const entries = [...(await log.range(1, 9)), ...(await log.stream('s').range(0, 9))]
      expect(entries.map(text)).toEqual(['a', 'c', 'b'])
      expect(entries.map(({ transactionId }) => transactionId)).toEqual(
        Array(3).fill(transaction.id),
      )
      expect([entries[1]!.timestamp, entries[2]!.term]).toEqual([5n, 3n])
      await log.close()
    })

    it('leaves nothing when it is rolled back', async () => {
      const log = await Log.open(dir(), { durability })
      const transaction = log.begin()
      transaction.append('s', 'a')
      transaction.rollback()
      expect([transaction.state, log.transactions, transaction.count]).toEqual(['rolledBack', 0, 0])
      expect([log.marks.sequenced, log.streams()]).toEqual([1, []])
      await log.close()
    })

    it('of nothing gives []', async () => {
      const log = await Log.open(dir(), { durability })
      const transaction = log.begin()
      expect(await transaction.commit()).toEqual([])
      expect([transaction.state, log.marks.sequenced]).toEqual(['committed', 1])
      await log.close()
    })
  },
)

describe('a transaction', () => {
  it('that has ended takes nothing more, and cannot end again', async () => {
    const log = await Log.open(dir())
    const committed = log.begin()
    committed.add('a')
    const underWay = committed.commit()
    const committing = { code: 'WALRUS_TRANSACTION_NOT_PENDING', message: /is being committed/ }
    expect(() => committed.add('b')).toThrow(expect.objectContaining({ code: committing.code }))
    await expect(committed.commit()).rejects.toMatchObject(committing)
    await underWay
    const rolledBack = log.begin()
    rolledBack.rollback()
    for (const [transaction, state] of [
      [committed, 'is committed, not pending'],
      [rolledBack, 'is rolled back, not pending'],
    ] as const) {
      const refusal = expect.objectContaining({
        code: 'WALRUS_TRANSACTION_NOT_PENDING',
        message: `transaction ${transaction.id} ${state}`,
      })
      expect(() => transaction.add('b')).toThrow(refusal)
      expect(() => transaction.expect('s', 1)).toThrow(refusal)
      expect(() => transaction.join({})).toThrow(refusal)
      expect(() => transaction.rollback()).toThrow(refusal)
      await expect(transaction.commit()).rejects.toEqual(refusal)
    }
    expect(log.lastIndex).toBe(1)
    await log.close()
  })

  it('may have as many entries as the log was asked for; the one too many is not added', async () => {
    const log = await Log.open(dir(), { maxTransactionEntries: 3 })
    const transaction = log.begin()
    for (const data of ['a', 'b', 'c']) transaction.add(data)
    expect(() => transaction.add('d')).toThrow(
      expect.objectContaining({
        code: 'WALRUS_TRANSACTION_TOO_LARGE',
        message: `transaction ${transaction.id} has 3 entries, and may not have more (maxTransactionEntries); the entry was not added`,
      }),
    )
    expect(await transaction.commit()).toEqual([1, 2, 3])
    await log.close()
    const usual = await Log.open(dir())
    const thousand = usual.begin()
    for (let n = 0; n < 1000; n++) thousand.add('')
    expect(() => thousand.add('')).toThrow('has 1000 entries')
    await usual.close()
  })

  it('refuses what cannot be an entry, and another id than its own', async () => {
    const log = await Log.open(dir(), { maxEntryBytes: 10 })
    const transaction = log.begin()
    const refusals: [() => unknown, string][] = [
      [() => transaction.add('x'.repeat(11)), 'WALRUS_ENTRY_TOO_LARGE'],
      [() => transaction.add(5 as unknown as string), 'WALRUS_INVALID_OPTION'],
      [() => transaction.add('a', { transactionId: 'b' } as object), 'WALRUS_INVALID_OPTION'],
      [() => transaction.append('n'.repeat(1281), 'a'), 'WALRUS_INVALID_OPTION'],
      [() => log.begin({ timeoutMs: -1 }), 'WALRUS_INVALID_OPTION'],
      [() => log.begin({ timeout: 1 } as object), 'WALRUS_INVALID_OPTION'],
    ]
    for (const [call, code] of refusals) {
      expect(call, String(call)).toThrow(expect.objectContaining({ code }))
    }
    await expect(transaction.commit({ expected: 1 } as object)).rejects.toMatchObject({
      code: 'WALRUS_INVALID_OPTION',
    })
    expect([transaction.count, transaction.state]).toEqual([0, 'pending'])
    await log.close()
  })

  it('is pending again when its commit was refused, and can be committed then', async () => {
    const log = await Log.open(dir())
    const transaction = log.begin()
    transaction.append('s', 'a')
    await expect(transaction.commit({ expect: { stream: 's', next: 1 } })).rejects.toMatchObject({
      code: 'WALRUS_CONFLICT',
    })
    expect([transaction.state, log.transactions, log.streams()]).toEqual(['pending', 1, []])
    transaction.expect('s', 0)
    expect(await transaction.commit()).toEqual([0])
    await log.close()
  })

  it('is pending again when its commit was given up while it waited for room', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage, bufferBytes: 65_536 })
    storage.hold = isGroup
    const first = log.append(new Uint8Array(60_000))
    await expect.poll(() => storage.held.length).toBe(1)
    const transaction = log.begin()
    transaction.add(new Uint8Array(30_000))
    await expect(transaction.commit({ timeoutMs: 20 })).rejects.toThrow('nothing was written')
    expect(transaction.state).toBe('pending')
    storage.release()
    expect(await Promise.all([first, transaction.commit()])).toEqual([1, [2]])
    await log.close()
  })

  it('that is given up while it is written goes in all the same', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const transaction = log.begin()
    transaction.add('a')
    await expect(transaction.commit({ timeoutMs: 20 })).rejects.toThrow('may still become durable')
    expect(transaction.state).toBe('committing')
    storage.release()
    await expect.poll(() => transaction.state).toBe('committed')
    expect(text(await log.get(1))).toBe('a')
    await log.close()
  })

  it('whose log fails says that only reopening tells', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage })
      const transaction = log.begin()
      transaction.add('a')
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
      await expect(transaction.commit()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      expect([transaction.state, log.transactions]).toEqual(['failed', 0])
      expect(() => transaction.add('b')).toThrow('undecided, because the log has failed')
      await expect(log.close()).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
    })
  })

  it('is rolled back when the log is closed', async () => {
    const log = await Log.open(dir(), { transactionMemoryBytes: 65_536 })
    const pending = log.begin()
    for (let n = 0; n < 3; n++) pending.add(new Uint8Array(50_000))
    const underWay = log.begin()
    underWay.add('a')
    const committed = underWay.commit()
    expect(readdirSync(dir())).toContain(`tx-${pending.id.slice(3)}.tmp`)
    await log.close()
    expect(await committed).toEqual([1])
    expect([pending.state, underWay.state, log.transactions]).toEqual([
      'rolledBack',
      'committed',
      0,
    ])
    expect(readdirSync(dir()).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(() => log.begin()).toThrow(expect.objectContaining({ code: 'WALRUS_CLOSED' }))
    expect(() => pending.add('b')).toThrow('is rolled back')
    const reader = await Log.open(dir(), { readOnly: true })
    expect(() => reader.begin()).toThrow(expect.objectContaining({ code: 'WALRUS_READ_ONLY' }))
    expect(reader.lastIndex).toBe(1)
    await reader.close()
  })

  it('is one of many at once, and none sees another', async () => {
    const log = await Log.open(dir())
    const all = Array.from({ length: 64 }, () => log.begin())
    expect(new Set(all.map(({ id }) => id)).size).toBe(64)
    for (let n = 0; n < 10; n++) for (const each of all) each.append('s', each.id)
    const positions = await Promise.all(all.map((each) => each.commit()))
    expect(positions.flat()).toEqual(Array.from({ length: 640 }, (_, at) => at))
    const entries = await log.stream('s').range(0, 999)
    expect(entries.every((entry) => text(entry) === entry.transactionId)).toBe(true)
    await log.close()
  })
})

describe('a transaction that stays open too long', () => {
  const expired = { code: 'WALRUS_TRANSACTION_EXPIRED' }
  const notFound = { code: 'WALRUS_TRANSACTION_NOT_FOUND' }

  it('says once that it expired, and then is not found', async () => {
    await simulated({}, async (log, pass) => {
      const short = log.begin({ timeoutMs: 100 })
      const usual = log.begin({ timeoutMs: 0 })
      short.add('a')
      usual.add('b')
      await pass(99)
      short.add('c')
      await pass(1)
      expect(() => short.add('d')).toThrow(expect.objectContaining(expired))
      expect([short.state, log.transactions]).toEqual(['expired', 1])
      expect(() => short.add('d')).toThrow(expect.objectContaining(notFound))
      await expect(short.commit()).rejects.toMatchObject(notFound)
      await pass(29_900)
      await expect(usual.commit()).rejects.toMatchObject(expired)
      expect(() => usual.rollback()).toThrow(expect.objectContaining(notFound))
      expect(log.marks.sequenced).toBe(1)
    })
  })

  it('does not expire while it is being committed', async () => {
    await simulated({}, async (log, pass) => {
      const transaction = log.begin({ timeoutMs: 1 })
      transaction.add('a')
      const committed = transaction.commit()
      await pass(5)
      expect(log.expireTransactions()).toBe(0)
      expect(await committed).toEqual([1])
      expect(transaction.state).toBe('committed')
    })
  })

  it('is rolled back when somebody asks for that', async () => {
    await simulated({ transactionTimeoutMs: 50 }, async (log, pass) => {
      const [first, second] = [log.begin(), log.begin({ timeoutMs: 60 })]
      await pass(55)
      expect([log.transactions, log.expireTransactions()]).toEqual([2, 1])
      expect([first.state, second.state, log.transactions]).toEqual(['expired', 'pending', 1])
      await expect(first.commit()).rejects.toMatchObject(expired)
      await expect(first.commit()).rejects.toMatchObject(notFound)
      second.rollback()
    })
  })

  it('is rolled back by itself now and then', async () => {
    const options = { transactionTimeoutMs: 50, transactionCleanupMs: 200 }
    await simulated(options, async (log, pass) => {
      const first = log.begin()
      await pass(190)
      const second = log.begin()
      await pass(20)
      expect([first.state, second.state, log.transactions]).toEqual(['expired', 'pending', 1])
      await pass(200)
      expect([second.state, log.transactions]).toEqual(['expired', 0])
    })
  })
})

describe('log.transaction', () => {
  it('commits what was done, and gives what that returned', async () => {
    const log = await Log.open(dir())
    const result = await log.transaction(async (transaction) => {
      transaction.add('a')
      await new Promise((resolve) => setImmediate(resolve))
      transaction.append('s', 'b')
      return transaction
    })
    expect(result).toBeInstanceOf(Transaction)
    expect([result.state, log.lastIndex, log.stream('s').next]).toEqual(['committed', 1, 1])
    await log.close()
  })

  it('rolls back when that throws, and throws it on', async () => {
    const log = await Log.open(dir())
    let seen: Transaction | undefined
    const done = log.transaction(async (transaction) => {
      seen = transaction
      transaction.add('a')
      throw new Error('changed my mind')
    })
    await expect(done).rejects.toThrow('changed my mind')
    expect([seen?.state, log.transactions, log.marks.sequenced]).toEqual(['rolledBack', 0, 1])
    await log.close()
  })

  it('leaves it to the caller to commit or roll back earlier', async () => {
    const log = await Log.open(dir())
    const positions = await log.transaction(async (transaction) => {
      transaction.append('s', 'a')
      return await transaction.commit()
    })
    await log.transaction(async (transaction) => {
      transaction.append('s', 'b')
      transaction.rollback()
    })
    expect([positions, log.stream('s').next, log.transactions]).toEqual([[0], 1, 0])
    await log.close()
  })

  it('rolls back when its precondition does not hold, or it took too long', async () => {
    await simulated({}, async (log, pass) => {
      const conflict = log.transaction(async (transaction) => transaction.append('', 'a'), {
        expect: { next: 2 },
      })
      await expect(conflict).rejects.toMatchObject({ code: 'WALRUS_CONFLICT' })
      const late = log.transaction(
        async (transaction) => {
          transaction.add('a')
          await pass(20)
        },
        { timeoutMs: 10 },
      )
      await expect(late).rejects.toMatchObject({ code: 'WALRUS_TRANSACTION_EXPIRED' })
      expect([log.transactions, log.marks.sequenced]).toEqual([0, 1])
    })
  })
})
