/** A log with a transaction on a simulated disk, crashed wherever it is told to, and what must be true afterwards. */

import type { Loss, LossName, SimulatedDisk } from '@walrus/storage-sim'
import type { Storage } from '@walrus/segment'
import { type Durability, Log, verify } from '../src/index.ts'
import { numbered } from './payloads.ts'

export const DIR = '/log'

/** What the transaction's entries are. */
export interface Shape {
  readonly sizes: readonly number[]
  /** Streams they go to in turn; the empty name is the plain log. */
  readonly streams: readonly string[]
}

export const SHAPES: Readonly<Record<string, Shape>> = {
  small: { sizes: [10, 0, 300], streams: ['', 'new', 'old'] },
  'larger than a segment': { sizes: [30_000, 30_000, 0, 500], streams: ['old', 'new', ''] },
  spilled: { sizes: Array(6).fill(30_000), streams: ['', 'new', 'old'] },
  'spilled, one entry larger than a segment': { sizes: [500, 90_000, 10], streams: ['new', ''] },
}

/** How a crash ends the run: the process is killed, or power is lost. */
export const ENDS: readonly ('kill' | LossName)[] = [
  'kill',
  'lost',
  'kept',
  'head',
  'newest',
  'any',
]

/** How far the workload had come. */
export interface Progress {
  /** `committed` when the commit was acknowledged, `after` when what came behind it was. */
  stage: 'before' | 'begun' | 'committed' | 'after'
}

export const options = {
  segmentBytes: 65_536,
  transactionMemoryBytes: 65_536,
} as const

/** Does something to a log. */
type Attempt = <T>(call: () => T | Promise<T>) => Promise<T>

const once: Attempt = async (call) => await call()

/**
 * Appends, commits a transaction, appends; closes in any case.
 * @param attempt does each thing that may fail
 */
export async function workload(
  storage: Storage,
  durability: Durability,
  shape: Shape,
  progress: Progress,
  attempt: Attempt = once,
): Promise<void> {
  const log = await Log.open(DIR, { storage, durability, ...options })
  try {
    await log.append(numbered(1, 100))
    await log.stream('old').append(numbered(2, 200))
    if (durability !== 'commit') await log.sync()
    progress.stage = 'begun'
    // Not durable yet, where that takes its time.
    await attempt(() => log.stream('old').append(numbered(5, 20)))
    const transaction = log.begin()
    for (const [at, size] of shape.sizes.entries()) {
      const stream = shape.streams[at % shape.streams.length]
      await attempt(() => transaction.append(stream, numbered(at, size)))
    }
    await attempt(() => transaction.commit())
    progress.stage = 'committed'
    await attempt(() => log.append(numbered(3, 300)))
    await attempt(() => log.stream('new').append(numbered(4, 50)))
    progress.stage = 'after'
  } finally {
    await log.close()
  }
}

type Part = 'before' | 'transaction' | 'after'

interface Expected {
  readonly part: Part
  readonly data: Uint8Array
}

/** Every entry there may be, stream by stream, in order. */
function expectedOf({ sizes, streams }: Shape): Map<string, Expected[]> {
  const expected = new Map<string, Expected[]>([
    ['', [{ part: 'before', data: numbered(1, 100) }]],
    [
      'old',
      [
        { part: 'before', data: numbered(2, 200) },
        { part: 'before', data: numbered(5, 20) },
      ],
    ],
    ['new', []],
  ])
  for (const [at, size] of sizes.entries()) {
    const name = streams[at % streams.length]!
    expected.get(name)!.push({ part: 'transaction', data: numbered(at, size) })
  }
  expected.get('')!.push({ part: 'after', data: numbered(3, 300) })
  expected.get('new')!.push({ part: 'after', data: numbered(4, 50) })
  return expected
}

/** How many entries of each part a log holds, and what is not as it was written. */
interface Found extends Record<Part, number> {
  readonly wrong: string[]
}

async function look(log: Log, shape: Shape): Promise<Found> {
  const found = { before: 0, transaction: 0, after: 0, wrong: [] as string[] }
  for (const [name, expected] of expectedOf(shape)) {
    const stream = name === '' ? log : log.stream(name)
    let at = 0
    for await (const { data } of stream.entries()) {
      const entry = expected[at++]
      if (entry === undefined) break
      found[entry.part]++
      if (Buffer.compare(data, entry.data) !== 0) found.wrong.push(`${name} ${at} is another one`)
    }
  }
  return found
}

/** Recovers a disk, and says what is not as it must be. */
export async function faults(
  disk: SimulatedDisk,
  shape: Shape,
  { stage }: Progress,
  /** Whether what was acknowledged must be there. */
  binding: boolean,
): Promise<string[]> {
  const { sizes } = shape
  const outcome = await disk.run(async (storage) => {
    const wrong: string[] = []
    let seen: Found | undefined
    try {
      const reader = await Log.open(DIR, { storage, readOnly: true })
      seen = await look(reader, shape)
      await reader.close()
    } catch (error) {
      if ((error as { code?: string }).code !== 'WALRUS_NOT_FOUND') throw error
    }
    const log = await Log.open(DIR, { storage, ...options })
    const found = await look(log, shape)
    wrong.push(...found.wrong)
    if (seen !== undefined && seen.transaction !== found.transaction)
      wrong.push(
        `a reader saw ${seen.transaction} of the transaction, the next writer ${found.transaction}`,
      )
    if (found.transaction !== 0 && found.transaction !== sizes.length)
      wrong.push(`${found.transaction} of the transaction's ${sizes.length} entries are there`)
    if (stage !== 'before' && found.before < 2) wrong.push('what came before was lost')
    if (found.transaction > 0 && found.before < 3) wrong.push('what it follows was lost')
    if (found.after > 0 && found.transaction === 0)
      wrong.push('what came after is there without it')
    if (binding && (stage === 'committed' || stage === 'after') && found.transaction === 0)
      wrong.push('it was acknowledged, and is not there')
    if (binding && stage === 'after' && found.after < 2) wrong.push('what came after was lost')
    const names = await storage.list(DIR)
    const left = names.filter((name) => /\.(new|tmp)$/.test(name))
    if (left.length > 0) wrong.push(`left behind: ${left.join(' ')}`)
    const afterwards = log.stream('afterwards')
    await afterwards.append('more')
    await afterwards.appendBatch([numbered(7, 40_000), numbered(8, 40_000)])
    await log.close()
    const again = await Log.open(DIR, { storage, ...options })
    if (!again.recovery.clean) wrong.push('it was closed, and did not open as closed')
    const grown = await look(again, shape)
    if (grown.transaction !== found.transaction) wrong.push('opening it a second time changed it')
    await again.close()
    const report = await verify(DIR, { storage })
    if (!report.ok) wrong.push(`verify: ${JSON.stringify(report.damage)}`)
    return wrong
  })
  return outcome.value ?? [`the recovery was ${outcome.ended}`]
}

/** A copy of the disk as a crash leaves it in the call that is just being done. */
export function crashed(
  disk: SimulatedDisk,
  end: 'kill' | LossName | Loss,
  seed?: number,
): SimulatedDisk {
  const left = disk.copy(seed === undefined ? {} : { seed })
  if (end !== 'kill') left.losePower(end)
  return left
}
