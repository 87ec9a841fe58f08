import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Durability,
  type EntryAttributes,
  Log,
  type LogOptions,
  type Stream,
  type WriteSet,
} from '../src/index.ts'
import { Model, type ModelEntry, type ModelStream } from './model.ts'

const DURABILITIES: Durability[] = ['commit', { everyMs: 3 }, 'none']
const RUNS_EACH = 67

interface Situation {
  readonly dir: string
  readonly model: Model
  log: Log
  options: LogOptions
}

/** Something to be done, and how a failure tells it. */
interface Command {
  readonly run: (now: Situation) => Promise<void>
  readonly [fc.toStringMethod]: () => string
}

function command<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (now: Situation, given: T) => Promise<void>,
): fc.Arbitrary<Command> {
  return arbitrary.map((given) => ({
    run: (now) => run(now, given),
    [fc.toStringMethod]: () => `${name}(${fc.stringify(given)})`,
  }))
}

const streamName = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined, freq: 2 })
const size = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 300 }), weight: 6 },
  { arbitrary: fc.integer({ min: 0, max: 20_000 }), weight: 3 },
  { arbitrary: fc.integer({ min: 60_000, max: 90_000 }), weight: 1 },
)
const anyAttributes = fc.record(
  {
    term: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    transactionId: fc.string({ unit: 'grapheme', maxLength: 40 }),
  },
  { requiredKeys: [] },
)
const attributes: fc.Arbitrary<EntryAttributes> = fc.oneof(
  { arbitrary: fc.constant({}), weight: 3 },
  { arbitrary: anyAttributes, weight: 1 },
)
const share = fc.double({ min: 0, max: 1, noNaN: true })
const nothing = fc.constant('')

/** A stream in the model, and what stands for it in the log. */
function both({ model, log }: Situation, name: string | undefined): [ModelStream, Log | Stream] {
  return [model.stream(name), name === undefined ? log : log.stream(name)]
}

const append = command(
  'append',
  fc.tuple(streamName, size, attributes),
  async (now, [name, bytes, given]) => {
    const [stream, real] = both(now, name)
    const [entry] = now.model.create([bytes], given)
    now.model.append(stream, [entry!], real.append(entry!.data, given))
  },
)

const appendMany = command(
  'appendMany',
  fc.array(size, { minLength: 1, maxLength: 30 }),
  async ({ model, log }, sizes) => {
    for (const entry of model.create(sizes, {})) {
      model.append(model.plain, [entry], log.append(entry.data))
    }
  },
)

const appendBatch = command(
  'appendBatch',
  fc.tuple(streamName, fc.array(size, { maxLength: 8 }), attributes),
  async (now, [name, sizes, given]) => {
    const [stream, real] = both(now, name)
    const entries = now.model.create(sizes, given)
    now.model.append(stream, entries, real.appendBatch(entries))
  },
)

const appendSync = command(
  'appendSync',
  fc.tuple(streamName, size, attributes),
  async (now, [name, bytes, given]) => {
    const [stream, real] = both(now, name)
    const [entry] = now.model.create([bytes], given)
    expect(real.appendSync(entry!.data, given)).toBe(stream.next)
    now.model.appended(stream, entry!)
  },
)

const mixed = fc.array(fc.tuple(streamName, size), { maxLength: 12 })

/** Puts entries into a batch or transaction; what the model is to have of them. */
function fill(
  { model }: Situation,
  set: WriteSet,
  entries: readonly (readonly [string | undefined, number])[],
  given: EntryAttributes,
): [ModelStream, ModelEntry][] {
  return entries.map(([name, bytes]) => {
    const [entry] = model.create([bytes], given)
    const { transactionId: _, ...options } = given
    set.append(name, entry!.data, options)
    return [model.stream(name), entry!]
  })
}

const commitBatch = command(
  'commitBatch',
  fc.tuple(mixed, streamName, fc.boolean()),
  async (now, [sizes, expected, holds]) => {
    const { model, log } = now
    const batch = log.batch()
    const next = model.stream(expected).next + (holds ? 0 : 1)
    const entries = fill(now, batch, sizes, {})
    const committed = log.commit(batch, { expect: { stream: expected, next } })
    batch.clear()
    if (holds) model.commit(entries, committed)
    else model.refuse(committed, 'WALRUS_CONFLICT')
  },
)

const commitBatchSync = command('commitBatchSync', mixed, async (now, sizes) => {
  const batch = now.log.batch()
  const entries = fill(now, batch, sizes, {})
  now.model.commit(entries, Promise.resolve(now.log.commitSync(batch)))
})

const transact = command(
  'transact',
  fc.tuple(mixed, fc.constantFrom('commit', 'commit', 'rollback')),
  async (now, [sizes, end]) => {
    const transaction = now.log.begin()
    const entries = fill(now, transaction, sizes, { term: 3n, transactionId: transaction.id })
    if (end === 'commit') now.model.commit(entries, transaction.commit())
    else transaction.rollback()
  },
)

const refused = command('refused', fc.tuple(streamName, size), async (now, [name, bytes]) => {
  const real = both(now, name)[1]
  const signal = AbortSignal.abort()
  await expect(real.append(new Uint8Array(bytes), { signal })).rejects.toThrow('aborted')
  await expect(real.append(new Uint8Array(100_001))).rejects.toThrow('maxEntryBytes')
})

const get = command('get', fc.tuple(streamName, share), async (now, [name, where]) => {
  const [stream, real] = both(now, name)
  const next = now.model.checkEnd(stream, real)
  const index = stream.first + Math.floor(where * (next - stream.first))
  if (index < next) {
    now.model.compare(stream, index, [await real.get(index)])
    now.model.compare(stream, index, [real.getSync(index)])
  } else {
    const refusal = { code: 'WALRUS_INDEX_OUT_OF_RANGE' }
    await expect(real.get(stream.next)).rejects.toMatchObject(refusal)
  }
})

const range = command(
  'range',
  fc.tuple(streamName, fc.nat(60), fc.nat(60)),
  async (now, [name, from, more]) => {
    const [stream, real] = both(now, name)
    const next = now.model.checkEnd(stream, real)
    const entries = await real.range(from, from + more)
    const expected = Math.min(from + more + 1, next) - Math.max(from, stream.first)
    expect(entries.length).toBeGreaterThanOrEqual(Math.max(0, expected))
    expect(entries.length).toBeLessThanOrEqual(more + 1)
    now.model.compare(stream, from, entries)
  },
)

const read = command(
  'read',
  fc.tuple(
    streamName,
    fc.nat(60),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 50_000 }),
  ),
  async (now, [name, from, maxEntries, maxBytes]) => {
    const [stream, real] = both(now, name)
    const next = now.model.checkEnd(stream, real)
    const entries = await real.read({ from, maxEntries, maxBytes })
    if (Math.max(from, stream.first) < next) expect(entries.length).toBeGreaterThan(0)
    expect(entries.length).toBeLessThanOrEqual(maxEntries)
    const bytes = entries.reduce((sum, { data }) => sum + data.length, 0)
    if (entries.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes)
    now.model.compare(stream, from, entries)
  },
)

const iterate = command(
  'iterate',
  fc.tuple(streamName, fc.nat(60), fc.nat(40)),
  async (now, [name, from, most]) => {
    const [stream, real] = both(now, name)
    const next = now.model.checkEnd(stream, real)
    const entries = []
    for await (const entry of real.entries({ from })) {
      entries.push(entry)
      if (entries.length > most) break
    }
    const expected = Math.max(0, next - Math.max(from, stream.first))
    expect(entries.length).toBeGreaterThanOrEqual(Math.min(expected, most + 1))
    now.model.compare(stream, from, entries)
  },
)

/** Prepared before a stream is cut, and committed without waiting for that. */
const transactAcross = command(
  'transactAcross',
  fc.tuple(mixed, streamName, share),
  async (now, [sizes, name, where]) => {
    const [stream, real] = both(now, name)
    const transaction = now.log.begin()
    const attributes = { transactionId: transaction.id }
    const entries = fill(now, transaction, sizes, attributes)
    const lastKept = stream.first - 1 + Math.floor(where * (stream.next - stream.first + 1))
    const truncated = real.truncate(lastKept)
    stream.truncate(lastKept)
    const { next } = stream
    now.model.commit(entries, transaction.commit({ expect: { stream: name, next } }))
    await truncated
  },
)

/** Appends before and after it are not waited for; it is: until it has its turn, what it cuts can be read. */
const truncate = command(
  'truncate',
  fc.tuple(streamName, share, fc.array(size, { maxLength: 3 })),
  async (now, [name, where, sizes]) => {
    const [stream, real] = both(now, name)
    const lastKept = stream.first - 1 + Math.floor(where * (stream.next - stream.first + 1))
    const truncated = real.truncate(lastKept)
    stream.truncate(lastKept)
    for (const entry of now.model.create(sizes, {})) {
      now.model.append(stream, [entry], real.append(entry.data))
    }
    await truncated
  },
)

const truncateFront = command(
  'truncateFront',
  fc.tuple(streamName, share),
  async (now, [name, where]) => {
    const [stream, real] = both(now, name)
    const next = Math.max(stream.first, stream.next)
    const firstKept = Math.min(next, stream.first + Math.floor(where * (next - stream.first + 1)))
    stream.first = Math.min(firstKept, stream.next)
    await real.truncateFront(firstKept)
  },
)

const retain = command('retain', nothing, async ({ log }) => {
  await log.retain()
})

const sync = command('sync', nothing, async ({ log }) => {
  const { sequenced } = log.marks
  await log.sync()
  expect(log.marks.durable).toBeGreaterThanOrEqual(sequenced)
})

const settle = command('settle', nothing, ({ model }) => model.settle())

const turn = command('turn', nothing, () => new Promise((resolve) => setImmediate(resolve)))

const reopen = command(
  'reopen',
  fc.record({
    segmentBytes: fc.constantFrom(65_536, 100_000, 2 ** 20),
    bufferBytes: fc.constantFrom(65_536, 2 ** 24),
  }),
  async (now, changed) => {
    await now.log.close()
    await now.model.settle()
    now.options = { ...now.options, ...changed }
    now.log = await Log.open(now.dir, now.options)
    expect(now.log.recovery).toMatchObject({ clean: true, scannedBytes: 0 })
    await checkAll(now)
  },
)

/** Everything, compared with the model; nothing is outstanding. */
async function checkAll({ model, log }: Situation): Promise<void> {
  const { plain, named } = model
  expect(log.nextIndex).toBe(plain.next)
  expect(log.lastIndex).toBe(plain.next > plain.first ? plain.next - 1 : 0)
  expect(log.firstIndex).toBe(plain.next > plain.first ? plain.first : 0)
  model.compare(plain, 0, await log.range(0, 10_000))
  const written = [...named].filter(([, stream]) => stream.written)
  expect(new Set(log.streams())).toEqual(new Set(written.map(([name]) => name)))
  for (const [name, stream] of written) {
    expect(log.stream(name).next).toBe(stream.next)
    expect(log.stream(name).first).toBe(stream.first)
    expect(await log.stream(name).range(0, 10_000)).toHaveLength(stream.next - stream.first)
    model.compare(stream, 0, await log.stream(name).range(0, 10_000))
  }
}

const anyCommand = fc.oneof(
  { arbitrary: append, weight: 8 },
  { arbitrary: appendMany, weight: 4 },
  { arbitrary: appendBatch, weight: 4 },
  { arbitrary: appendSync, weight: 4 },
  { arbitrary: commitBatch, weight: 4 },
  { arbitrary: commitBatchSync, weight: 2 },
  { arbitrary: transact, weight: 4 },
  { arbitrary: refused, weight: 1 },
  { arbitrary: settle, weight: 2 },
  { arbitrary: get, weight: 3 },
  { arbitrary: range, weight: 2 },
  { arbitrary: read, weight: 3 },
  { arbitrary: iterate, weight: 2 },
  { arbitrary: truncate, weight: 3 },
  { arbitrary: transactAcross, weight: 2 },
  { arbitrary: truncateFront, weight: 1 },
  { arbitrary: retain, weight: 1 },
  { arbitrary: sync, weight: 1 },
  { arbitrary: turn, weight: 3 },
  { arbitrary: reopen, weight: 1 },
)

it.each(DURABILITIES)(
  'whatever is done to a log, it is as the model says, under %j',
  async (durability) => {
    const commands = fc.array(anyCommand, { minLength: 5, maxLength: 40 })
    const property = fc.asyncProperty(commands, async (all) => {
      const dir = mkdtempSync(join(tmpdir(), 'walrus-model-'))
      const options = {
        durability,
        segmentBytes: 65_536,
        bufferBytes: 65_536,
        maxEntryBytes: 100_000,
        transactionMemoryBytes: 65_536,
      }
      const log = await Log.open(dir, options)
      const now: Situation = { dir, model: new Model(), log, options }
      try {
        for (const { run } of all) await run(now)
        await now.model.settle()
        await checkAll(now)
        await now.log.close()
        now.log = await Log.open(dir, { readOnly: true })
        await checkAll(now)
      } finally {
        await now.log.close()
        rmSync(dir, { recursive: true, force: true })
      }
    })
    await fc.assert(property, { numRuns: RUNS_EACH })
  },
)
