/**
 * Row 7: random commands, to a log and to a plain model of it in memory; what the log says and holds is what the
 * model does. Nothing fails here, and nothing crashes: that is what the other rows are for.
 */

import { type EntryAttributes, Log, type LogEntry, type LogOptions } from '@walrus/log'
import { SimulatedDisk, type SimulatedStorage } from '@walrus/storage-sim'
import { type Counts, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { DIR, DURABILITIES } from '../workload.ts'
import { Model, nextOf, streamOf } from './model-log.ts'

const CI_SEEDS = 2000
const LEAST_COMMANDS = 5
const MOST_COMMANDS = 40
const MAX_ENTRY_BYTES = 100_000
/** More than 1 GiB, all of it the same bytes. */
const TOO_LARGE_BATCH: readonly Uint8Array[] = Array<Uint8Array>(
  Math.ceil((2 ** 30 + 1) / MAX_ENTRY_BYTES),
).fill(new Uint8Array(MAX_ENTRY_BYTES))
/** After so many milliseconds a reader beside the writer sees what was durable before. */
const LATE_MS = 100

export const model: Row = {
  name: 'model',
  title: 'random commands against a plain model',
  keys: { seed: SEED, commands: whole(0, MOST_COMMANDS) },
  run,
  ciPlans() {
    return this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('model', { seed })
  },
}

/** Everything a command may use. */
interface Situation {
  readonly disk: SimulatedDisk
  readonly storage: SimulatedStorage
  readonly model: Model
  readonly random: Random
  options: LogOptions
  log: Log
  /** A log opened for reading, beside the writer. */
  reader: Log | undefined
}

type Command = (now: Situation) => Promise<void>

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const seed = plan.number('seed') ?? 0
  const random = randomFrom(seed)
  counts.seeds++
  counts.workloads++
  const disk = new SimulatedDisk({
    seed,
    align: choose(random, [1, 1, 512]),
    zeroAhead: pick(random, 4) > 0,
    maxCalls: 100_000,
  })
  const options: LogOptions = {
    durability: DURABILITIES[choose(random, Object.keys(DURABILITIES))]!,
    segmentBytes: choose(random, [65_536, 65_536, 2 ** 20]),
    bufferBytes: choose(random, [65_536, 2 ** 20]),
    maxEntryBytes: MAX_ENTRY_BYTES,
  }
  const most = LEAST_COMMANDS + pick(random, MOST_COMMANDS - LEAST_COMMANDS + 1)
  const wanted = Math.min(most, plan.number('commands') ?? most)
  let done = 0
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { ...options, storage })
    const now = { disk, storage, model: new Model(), random, options, log, reader: undefined }
    const { found } = now.model
    for (; done < wanted && found.length === 0; done++) await weighted(random)(now)
    if (found.length === 0) await finish(now)
    return found
  })
  const narrow = plan.with({ commands: done })
  return value!.map((what) => ({ plan: narrow, what }))
}

/** Everything is there: for the writer, after a close, for the reader beside it, and for one that comes later. */
async function finish(now: Situation): Promise<void> {
  const { model: expected, reader } = now
  await expected.settle()
  await expected.checkAll(now.log, 'the log')
  await now.log.close()
  if (reader !== undefined) {
    await reader.refresh()
    await expected.checkAll(reader, 'the reader beside the writer')
    await reader.close()
  }
  const later = await Log.open(DIR, { storage: now.disk.process(), readOnly: true })
  await expected.checkAll(later, 'a later reader')
  await later.close()
}

const STREAMS = ['', '', 'a', 'b', 'a stream with a longer name']

function anySize(random: Random): number {
  const kind = pick(random, 10)
  if (kind < 6) return pick(random, 300)
  return kind < 9 ? pick(random, 20_000) : 60_000 + pick(random, 30_000)
}

function anySizes(random: Random, most: number): number[] {
  return Array.from({ length: pick(random, most + 1) }, () => anySize(random))
}

function anyAttributes(random: Random): EntryAttributes {
  if (pick(random, 4) > 0) return {}
  return {
    ...(pick(random, 2) === 0 && { term: BigInt(pick(random, 2 ** 32)) << 32n }),
    ...(pick(random, 2) === 0 && { timestamp: BigInt(pick(random, 2 ** 32) - 2 ** 31) }),
    ...(pick(random, 2) === 0 && { transactionId: 'ü'.repeat(pick(random, 40)) }),
  }
}

const append: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const attributes = anyAttributes(random)
  const [entry] = expected.create([anySize(random)], attributes)
  const given = streamOf(log, stream.name).append(entry!.data, attributes)
  expected.append(stream, [entry!], given)
}

const appendMany: Command = async ({ model: expected, log, random }) => {
  for (const entry of expected.create(anySizes(random, 12), {})) {
    expected.append(expected.stream(''), [entry], log.append(entry.data))
  }
}

const appendBatch: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const entries = expected.create(anySizes(random, 8), anyAttributes(random))
  expected.append(stream, entries, streamOf(log, stream.name).appendBatch(entries))
}

const appendSync: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const attributes = anyAttributes(random)
  const [entry] = expected.create([anySize(random)], attributes)
  const index = streamOf(log, stream.name).appendSync(entry!.data, attributes)
  expected.appended(stream, entry!, index)
}

const refused: Command = async ({ model: expected, log, random }) => {
  const real = streamOf(log, choose(random, STREAMS))
  const aborted = real.append('never', { signal: AbortSignal.abort() })
  await expectCode(expected, aborted, 'WALRUS_ABORTED')
  const tooLarge = real.append(new Uint8Array(MAX_ENTRY_BYTES + 1))
  await expectCode(expected, tooLarge, 'WALRUS_ENTRY_TOO_LARGE')
  const tooLargeTogether = real.appendBatch(TOO_LARGE_BATCH, { signal: AbortSignal.abort() })
  await expectCode(expected, tooLargeTogether, 'WALRUS_ENTRY_TOO_LARGE')
}

const get: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const real = streamOf(log, stream.name)
  const next = expected.visible(stream, real)
  if (next > stream.first) {
    const index = stream.first + pick(random, next - stream.first)
    expected.compare(stream, index, [await real.get(index)])
    expected.compare(stream, index, [real.getSync(index)])
  }
  await expectCode(expected, real.get(stream.next), 'WALRUS_INDEX_OUT_OF_RANGE')
}

const range: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const real = streamOf(log, stream.name)
  const next = expected.visible(stream, real)
  const from = pick(random, 60)
  const to = from + pick(random, 60)
  const entries = await real.range(from, to)
  const least = Math.min(to + 1, next) - Math.max(from, stream.first)
  expected.check(entries.length >= least, `range(${from}, ${to}) gave ${entries.length}`)
  expected.check(entries.length <= to + 1 - from, `range(${from}, ${to}) gave ${entries.length}`)
  expected.compare(stream, from, entries)
}

const read: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const real = streamOf(log, stream.name)
  const next = expected.visible(stream, real)
  const [from, maxEntries] = [pick(random, 60), 1 + pick(random, 20)]
  const maxBytes = 1 + pick(random, 50_000)
  const entries = await real.read({ from, maxEntries, maxBytes })
  const bytes = entries.reduce((sum, { data }) => sum + data.length, 0)
  expected.check(entries.length > 0 || Math.max(from, stream.first) >= next, 'read gave none')
  expected.check(entries.length <= maxEntries, `read gave ${entries.length}, not ${maxEntries}`)
  expected.check(entries.length <= 1 || bytes <= maxBytes, `read gave ${bytes} bytes`)
  expected.compare(stream, from, entries)
}

const iterate: Command = async ({ model: expected, log, random }) => {
  const stream = expected.stream(choose(random, STREAMS))
  const real = streamOf(log, stream.name)
  const next = expected.visible(stream, real)
  const [from, most] = [pick(random, 60), 1 + pick(random, 40)]
  const entries: LogEntry[] = []
  for await (const entry of real.entries({ from })) {
    entries.push(entry)
    if (entries.length === most) break
  }
  const least = Math.min(most, next - Math.max(from, stream.first))
  expected.check(entries.length >= least, `iterating from ${from} gave ${entries.length}`)
  expected.compare(stream, from, entries)
}

const sync: Command = async ({ model: expected, log }) => {
  const { sequenced } = log.marks
  await log.sync()
  expected.check(log.marks.durable >= sequenced, `sync left marks at ${log.marks.durable}`)
}

const stats: Command = async ({ model: expected, log }) => {
  const { marks, lastIndex, firstIndex, segments, streams, pendingBytes } = log.stats()
  const { sequenced, written, durable } = marks
  const ordered = sequenced >= written && written >= durable && durable >= 1
  expected.check(ordered, `marks are ${sequenced}, ${written}, ${durable}`)
  const acknowledged = [...expected.streams.values()].reduce((sum, s) => sum + s.acknowledged, 0)
  expected.check(sequenced > acknowledged, `${acknowledged} entries, and LSN ${sequenced} is next`)
  expected.check(lastIndex === log.lastIndex && firstIndex === log.firstIndex, 'other indexes')
  expected.check(firstIndex === Math.min(1, lastIndex), `begins at ${firstIndex}`)
  expected.check(segments >= 1 && pendingBytes >= 0, `${segments} segments, ${pendingBytes} bytes`)
  expected.check(streams === log.streams().length, `${streams} streams`)
}

const settle: Command = ({ model: expected }) => expected.settle()

const wait: Command = ({ storage, random }) =>
  new Promise((resolve) => storage.env.after(pick(random, 20), resolve))

const reopen: Command = async (now) => {
  const { model: expected, random, storage } = now
  await now.log.close()
  await expected.settle()
  const segmentBytes = choose(random, [65_536, 100_000, 2 ** 20])
  now.options = { ...now.options, segmentBytes }
  now.log = await Log.open(DIR, { ...now.options, storage })
  const { clean, scannedBytes } = now.log.recovery
  expected.check(clean && scannedBytes === 0, `opened with ${scannedBytes} bytes to scan`)
  await expected.checkAll(now.log, 'the log that was opened again')
}

/** A reader beside the writer: never sees more than was handed over, and what is durable before long. */
const follow: Command = async (now) => {
  const { model: expected, disk, log, storage, random } = now
  now.reader ??= await Log.open(DIR, { storage: disk.process(), readOnly: true })
  const { reader } = now
  const before = new Map([...expected.streams].map(([name]) => [name, seenBy(reader, name)]))
  let owed = new Map<string, number>()
  if (pick(random, 2) === 0) {
    owed = new Map([...expected.streams].map(([name, { acknowledged }]) => [name, acknowledged]))
    await log.sync()
    await new Promise<void>((resolve) => storage.env.after(LATE_MS, resolve))
  }
  await reader.refresh()
  for (const [name, stream] of expected.streams) {
    const real = streamOf(reader, name)
    const least = Math.max(before.get(name) ?? 0, owed.get(name) ?? 0)
    const next = expected.visible(stream, real, least)
    if (next > stream.first) expected.compare(stream, 0, await real.range(0, next - 1))
  }
  await expectCode(expected, reader.append('never'), 'WALRUS_READ_ONLY')
  if (pick(random, 3) > 0) return
  await reader.close()
  now.reader = undefined
}

function seenBy(reader: Log, name: string): number {
  const real = streamOf(reader, name)
  return nextOf(real) - (name === '' ? 1 : 0)
}

async function expectCode(expected: Model, call: Promise<unknown>, code: string): Promise<void> {
  const got: unknown = await call.then(
    () => 'nothing',
    (error: { code?: unknown }) => error.code,
  )
  expected.check(got === code, `gave ${String(got)}, not ${code}`)
}

const COMMANDS: readonly (readonly [Command, number])[] = [
  [append, 8],
  [appendMany, 4],
  [appendBatch, 4],
  [appendSync, 4],
  [refused, 1],
  [get, 3],
  [range, 2],
  [read, 3],
  [iterate, 2],
  [sync, 1],
  [stats, 2],
  [settle, 2],
  [wait, 3],
  [follow, 3],
  [reopen, 1],
]
const WEIGHTED = COMMANDS.flatMap(([command, weight]) => Array<Command>(weight).fill(command))

function weighted(random: Random): Command {
  return choose(random, WEIGHTED)
}
