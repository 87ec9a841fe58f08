/** Runs in which a few calls are crashed in, or one fails, or some take long: chosen by chance, or by a plan. */

import { WalrusError } from '@walrus/codec'
import {
  type BegunCall,
  type Call,
  LOSSES,
  type LossName,
  type SimulatedDisk,
  type SimulatedStorage,
} from '@walrus/storage-sim'
import { type Keys, oneOf, type Plan, SEED, whole } from './plan.ts'
import { choose, pick, type Random, randomFrom } from './random.ts'
import { DIR, DURABILITIES } from './workload.ts'

const ENDS = [...Object.keys(LOSSES).map((name) => name.replaceAll(' ', '-')), 'kill']
export const FAULTS = ['none', 'EIO', 'ENOSPC'] as const
export type FaultName = (typeof FAULTS)[number]
/** Crash points of a run, and ends tried at each. */
const POINTS = 3
const ENDS_EACH = 2
/** What goes on in the background has come to its end, in milliseconds. */
const LONG_MS = 400
export const TAIL: string = `${DIR}/TAIL`
/** What takes long in some runs, of which every other call does. */
const SLOW: Readonly<Record<string, (call: BegunCall) => boolean>> = {
  sync: ({ kind }) => kind === 'sync',
  directory: ({ kind }) => kind === 'sync directory',
  remove: ({ kind }) => kind === 'remove',
  tail: ({ path }) => path === TAIL,
}
export const SLOW_NAMES: readonly string[] = Object.keys(SLOW)
const SLOW_MS = [3, 30]

/** What a plan may say of such a run. */
export const CRASHING_KEYS: Keys = {
  seed: SEED,
  durability: oneOf(Object.keys(DURABILITIES)),
  fault: oneOf(FAULTS),
  call: whole(0, 1e6),
  loss: oneOf(ENDS),
  slow: oneOf(SLOW_NAMES),
}

/** A crash, and what was promised when it came. */
export interface Crash<T> {
  readonly call: number
  readonly end: string
  readonly disk: SimulatedDisk
  readonly promised: T
}

export interface Crashing<T> {
  readonly plan: Plan
  readonly disk: SimulatedDisk
  readonly fault: FaultName
  /** Number of the call that fails; then none is crashed in. */
  readonly failing: number | undefined
  /** What is promised at the time of the call. */
  readonly promised: () => T
  /** Sees each call that changes the disk. */
  readonly see?: (call: Call) => void
}

/** Lets a disk fail, crash and take long from now on; returns what gives the crashes, and ends that. */
export function crashing<T>(run: Crashing<T>): () => Crash<T>[] {
  const { plan, disk, fault, failing, promised, see } = run
  const seed = plan.number('seed') ?? 0
  const crashes = new Map<number, Crash<T>[]>()
  const chosen = chooser(plan, randomFrom(seed ^ 0x9b05688c), fault !== 'none')
  disk.duration = slowly(plan.text('slow'), randomFrom(seed ^ 0x1f83d9ab))
  disk.fault = (call) => {
    const { number, change } = call
    if (number === failing && fault !== 'none') return fault
    if (change === undefined) return undefined
    see?.(call)
    for (const { place, end } of chosen(change)) {
      const left = disk.copy({ seed: (Math.imul(change + 1, 0x85ebca6b) ^ seed) >>> 0 })
      if (end !== 'kill') left.losePower(end.replaceAll('-', ' ') as LossName)
      const before = crashes.get(place)?.filter((crash) => crash.call === change) ?? []
      crashes.set(place, [...before, { call: change, end, disk: left, promised: promised() }])
    }
    return undefined
  }
  return () => {
    disk.fault = undefined
    disk.duration = undefined
    return [...crashes.values()].flat()
  }
}

/** Which calls are crashed in, and how: a few, or the one of the plan. A later one takes the place of an earlier. */
function chooser(
  plan: Plan,
  random: Random,
  failing: boolean,
): (call: number) => { place: number; end: string }[] {
  const only = plan.number('call')
  const loss = plan.text('loss')
  if (failing) return () => []
  return (call) => {
    if (only !== undefined) return call === only ? [{ place: 0, end: loss ?? 'any' }] : []
    const place = call < POINTS ? call : pick(random, call + 1)
    if (place >= POINTS) return []
    const ends = Array.from({ length: ENDS_EACH }, () => choose(random, ENDS))
    return [...new Set(ends)].map((end) => ({ place, end }))
  }
}

/** How long calls take, where some take long. */
function slowly(slow: string | undefined, random: Random): SimulatedDisk['duration'] {
  if (slow === undefined) return undefined
  const isSlow = SLOW[slow]!
  return (call) => (isSlow(call) && pick(random, 2) === 0 ? choose(random, SLOW_MS) : undefined)
}

/** Whether a run may end with this, of which a call failed. */
export function isAllowed(error: unknown, fault: FaultName): boolean {
  if (!(error instanceof WalrusError) || fault === 'none') return false
  return ['WALRUS_FAILED', fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL'].includes(error.code)
}

/** What a log that was closed goes on with, and holds. */
export async function leftOver(disk: SimulatedDisk, storage: SimulatedStorage): Promise<string[]> {
  const { calls } = disk
  await new Promise<void>((resolve) => storage.env.after(LONG_MS, resolve))
  const found: string[] = []
  if (disk.calls > calls) found.push(`close left ${disk.calls - calls} calls to be made`)
  if (storage.openFiles.size > 0) found.push(`close left ${storage.openFiles.size} files open`)
  if ((await storage.locked(DIR)) !== undefined) found.push('close left the lock')
  return found
}

/** What a run on a disk finds, or fails with. */
export async function faultsOf(
  disk: SimulatedDisk,
  run: (storage: SimulatedStorage) => Promise<string[]>,
): Promise<string[]> {
  try {
    const outcome = await disk.run(run)
    return outcome.value ?? [`the recovery was ${outcome.ended}`]
  } catch (error) {
    return [String(error)]
  }
}
