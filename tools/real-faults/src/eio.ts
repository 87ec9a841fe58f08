/**
 * System calls that fail: strace has the n-th call of a kind fail in a process that writes, for every n and kind.
 *
 * After a failed write or sync the log must refuse everything with the first cause, close, and hold what it
 * acknowledged when it is opened again; a lack of space must refuse what needed it, and nothing else.
 */

import { join } from 'node:path'
import { checkLog } from './check.ts'
import { type Failed, follow } from './follow.ts'
import { Oracle } from './oracle.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, planOf, unitsOf } from './plan.ts'
import { nameOf, type Point, pointsOf, sample } from './points.ts'
import { type Life, LogProcess } from './process.ts'
import type { Task } from './protocol.ts'
import { temporaryDirectory } from './resources.ts'
import { storageNamed } from './storages.ts'
import { straceMissing, tracedCalls, tracing } from './strace.ts'

/** What a call is made to do instead. */
export interface Fault {
  readonly call: string
  /** As strace has it. */
  readonly instead: string
  /** Whether every later call fails too. */
  readonly everAfter?: boolean
  /** The code that must be among an error's and its causes'. */
  readonly code: string
  readonly kind:
    | 'final' // the log has failed
    | 'lack' // what needed space is refused, the rest goes on
    | 'lackFinal' // either: a sync may not fail, also for lack of space
    | 'read' // it may do without
}

const FAULTS: readonly Fault[] = [
  { call: 'pwrite64', instead: 'error=EIO', code: 'EIO', kind: 'final' },
  { call: 'pwrite64', instead: 'error=EIO', everAfter: true, code: 'EIO', kind: 'final' },
  // The system takes nothing and says nothing: it may not be asked for ever.
  { call: 'pwrite64', instead: 'retval=0', code: 'WALRUS_IO', kind: 'final' },
  { call: 'pwrite64', instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lack' },
  { call: 'fdatasync', instead: 'error=EIO', code: 'EIO', kind: 'final' },
  { call: 'fdatasync', instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lackFinal' },
  { call: 'fdatasync', instead: 'error=EIO', everAfter: true, code: 'EIO', kind: 'final' },
  { call: 'fsync', instead: 'error=EIO', code: 'EIO', kind: 'final' },
  { call: 'fsync', instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lackFinal' },
  { call: 'ftruncate', instead: 'error=EIO', code: 'EIO', kind: 'final' },
  { call: 'rename', instead: 'error=EIO', code: 'EIO', kind: 'final' },
  { call: 'rename', instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lack' },
  { call: 'openat', instead: 'error=EIO', code: 'EIO', kind: 'read' },
  { call: 'openat', instead: 'error=ENOSPC', code: 'ENOSPC', kind: 'lackFinal' },
  { call: 'pread64', instead: 'error=EIO', code: 'EIO', kind: 'read' },
]
const STEPS = 12
/** How an append, a sync or a close may fail. */
const SETTLED: ReadonlySet<string> = new Set(['WALRUS_FAILED', 'WALRUS_DISK_FULL'])

export interface EioOptions {
  /** How many places to try for each durability; there are some hundred. */
  readonly runs: number
  readonly seed: number
  readonly storage: string
  readonly progress?: (line: string) => void
}

export async function runEio(options: EioOptions): Promise<Outcome> {
  const counts = new Counts()
  const violations: Violation[] = []
  const missing = await straceMissing()
  if (missing !== undefined) {
    const skipped = [`system calls that fail: ${missing}`]
    return { name: 'eio', counts: {}, violations, skipped }
  }
  const { seed, storage, runs, progress } = options
  const calls = [...new Set(FAULTS.map(({ call }) => call))]
  for (const durability of DURABILITIES) {
    const task = { storage, durability, seed, steps: STEPS }
    const points = await pointsOf(task, calls)
    const places = FAULTS.flatMap((fault) =>
      points.filter(({ call }) => call === fault.call).map((point) => ({ fault, point })),
    )
    counts.add('places', places.length)
    const chosen = sample(places, runs, seed)
    for (const [at, { fault, point }] of chosen.entries()) {
      const found = await failAt(task, fault, point, counts)
      if (found.length > 0) {
        const where = `${nameOfDurability(durability)}, ${nameOf(point)}, with ${fault.instead}${fault.everAfter === true ? ' ever after' : ''}`
        const replay = `node tools/real-faults/dist/main.js eio --runs ${runs} --seed ${seed} --storage ${storage}`
        violations.push({ what: `${where}: ${found.slice(0, 4).join('; ')}`, replay })
      }
      if (at % 50 === 49) {
        progress?.(`eio: ${nameOfDurability(durability)}, ${at + 1} of ${chosen.length}`)
      }
    }
  }
  return { name: 'eio', counts: counts.toRecord(), violations, skipped: [] }
}

async function failAt(
  given: Pick<Task, 'storage' | 'durability' | 'seed' | 'steps'>,
  fault: Fault,
  point: Point,
  counts: Counts,
): Promise<string[]> {
  const { seed, durability, steps } = given
  const { path, remove } = temporaryDirectory()
  try {
    const dir = join(path, 'log')
    const output = join(path, 'calls')
    const task = { ...given, dir, life: 0, linger: false }
    const under = tracing(output, point.call, {
      ...{ ...point, path: join(dir, point.path) },
      instead: fault.instead,
      everAfter: fault.everAfter === true,
    })
    const life = await new LogProcess(task, undefined, under).ended
    const hits = (await tracedCalls(output)).flatMap(({ injected, text }) =>
      injected ? [text] : [],
    )
    const oracle = new Oracle(seed)
    const units = unitsOf(planOf(seed, 0, steps))
    const failed = follow(oracle, 0, units, life.reports, durability === 'none')
    counts.add('runs')
    counts.add('calls made to fail', hits.length)
    count(counts, failed)
    const found = judge(fault, hits, life, failed)
    const storage = await storageNamed(given.storage)
    const options = { storage, durability, segmentBytes: 0x1_0000 }
    found.push(...(await checkLog(dir, options, oracle, true)).found)
    return found.length > 0 ? [...found, ...hits] : found
  } finally {
    remove()
  }
}

function count(counts: Counts, failed: readonly Failed[]): void {
  const first = failed[0]
  if (first === undefined) counts.add('nothing needed it')
  else counts.add(`${first.what} said so first`)
}

/** What is wrong with how a process took a fault, in words. */
export function judge(
  { kind, code }: Fault,
  hits: readonly string[],
  { reports, how, errors, hung }: Life,
  failed: readonly Failed[],
): string[] {
  const found: string[] = []
  if (hung) return ['the process hung']
  if (how !== 0) return [`the process ended with ${how}: ${errors.trim()}`]
  const last = reports.at(-1)?.what ?? 'nothing'
  if (!['closed', 'notClosed', 'notOpened'].includes(last))
    found.push(`the process ended at ${last}`)
  if (hits.length === 0 && failed.length > 0) {
    found.push(`${failed[0]!.what} failed with nothing wrong: ${failed[0]!.failure.message}`)
  }
  if (hits.length > 0 && kind === 'final' && failed.length === 0) found.push('nobody was told')
  const stranger = failed.find(({ failure }) => !failure.codes.includes(code))
  if (stranger !== undefined && hits.length > 0) {
    found.push(
      `${stranger.what} failed with ${stranger.failure.codes.join(' < ')}, which is not ${code}`,
    )
  }
  const isOpen = last !== 'notOpened'
  const final = failed.find(({ failure }) => failure.codes[0] === 'WALRUS_FAILED')
  if (isOpen && final !== undefined) found.push(...refusalsAfter(final, reports, failed))
  const soft = failed.find(({ failure }) => !SETTLED.has(failure.codes[0]!))
  // What could not be let go of says so by itself: no entry depends on it.
  const lock = soft?.what === 'close' && hits.every((text) => text.includes('/LOCK/'))
  if (isOpen && soft !== undefined && !lock) {
    found.push(
      `${soft.what} failed with ${soft.failure.codes.join(' < ')}, and not with WALRUS_FAILED`,
    )
  }
  if (kind === 'lack' && final !== undefined) {
    found.push(`a lack of space has failed the log: ${final.failure.message}`)
  }
  return found
}

/** After the log has failed, everything must fail, with the first cause. */
function refusalsAfter(
  final: Failed,
  reports: Life['reports'],
  failed: readonly Failed[],
): string[] {
  const found: string[] = []
  const later = failed.filter(({ at }) => at >= final.at)
  if (later.some(({ failure }) => failure.cause !== final.failure.cause)) {
    found.push('not everyone was told the first cause')
  }
  const refused = new Set(later.map(({ unit }) => unit))
  const begunLater = reports
    .slice(final.at)
    .flatMap((report) => (report.what === 'began' ? [report.unit] : []))
  if (begunLater.some((unit) => !refused.has(unit)))
    found.push('it took entries after it had failed')
  const lowest = Math.min(...later.flatMap(({ unit }) => unit ?? []))
  const answered = reports.flatMap((report) =>
    report.what === 'acknowledged' ? [report.unit] : [],
  )
  if (answered.some((unit) => unit > lowest)) {
    found.push('it acknowledged a call behind one that failed')
  }
  if (reports.slice(final.at).some(({ what }) => what === 'synced' || what === 'closed')) {
    found.push('sync or close succeeded after it had failed')
  }
  return found
}
