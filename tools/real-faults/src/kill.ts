/**
 * Row 5: a process that writes and acknowledges over a pipe is killed (SIGKILL) at a moment that chance chose; what
 * it left is judged; a new process goes on in the same directory, and is killed, and so on.
 *
 * One seed is one directory: five lives, one durability. In some lives every write and sync is made to take
 * milliseconds, where strace is there, so that an acknowledgement that does not wait for its write shows.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkLog } from './check.ts'
import { follow } from './follow.ts'
import { Oracle } from './oracle.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, planOf, unitsOf } from './plan.ts'
import { type Life, LogProcess } from './process.ts'
import type { Report, Task } from './protocol.ts'
import { between, oneOf, type Random, randomFrom } from './random.ts'
import { temporaryDirectory } from './resources.ts'
import { storageNamed } from './storages.ts'
import { slowly, straceMissing } from './strace.ts'

/** How often one directory's processes are killed. */
export const LIVES = 5

export interface KillOptions {
  /** First and last seed; the remainder by 3 chooses the durability. */
  readonly seeds: { readonly from: number; readonly to: number }
  readonly storage: string
  /** Told now and then how far it is. */
  readonly progress?: (line: string) => void
}

/** When a process is killed: so long after it has said something so many times. */
interface Moment {
  readonly after: 'opening' | 'closing' | 'began' | 'acknowledged'
  readonly times: number
  readonly ms: number
}

/** The seeds for so many kills under each durability. */
export function seedsFor(runs: number, seed: number): KillOptions['seeds'] {
  const from = Math.ceil(seed / DURABILITIES.length) * DURABILITIES.length
  return { from, to: from + Math.ceil(runs / LIVES) * DURABILITIES.length - 1 }
}

export async function runKill({ seeds, storage, progress }: KillOptions): Promise<Outcome> {
  const counts = new Counts()
  const violations: Violation[] = []
  const missing = await straceMissing()
  const skipped = missing === undefined ? [] : [`kills on a slow disk: ${missing}`]
  for (let seed = seeds.from; seed <= seeds.to; seed++) {
    const what = await chain(seed, storage, missing === undefined, counts)
    const replay = `node tools/real-faults/dist/main.js kill --seeds ${seed}-${seed} --storage ${storage}`
    if (what !== undefined) violations.push({ what, replay })
    if ((seed - seeds.from) % 50 === 49) {
      progress?.(`kill: seeds ${seeds.from} to ${seed} done, ${violations.length} violations`)
    }
  }
  return { name: 'kill', counts: counts.toRecord(), violations, skipped }
}

/** Kills one directory's processes in turn; resolves to what is wrong, in words, if anything is. */
async function chain(
  seed: number,
  storageName: string,
  canSlow: boolean,
  counts: Counts,
): Promise<string | undefined> {
  const random = randomFrom(seed, 2)
  const durability = DURABILITIES[seed % DURABILITIES.length]!
  const storage = await storageNamed(storageName)
  const { path, remove } = temporaryDirectory()
  const dir = join(path, 'log')
  const oracle = new Oracle(seed)
  counts.add('directories')
  try {
    for (let life = 0; life < LIVES; life++) {
      // Drawn also where it cannot be had, so that a seed chooses the same moments everywhere.
      const slow = random() < 0.3 && canSlow
      const steps = slow ? between(random, 5, 12) : between(random, 15, 60)
      const task: Task = {
        ...{ dir, storage: storageName, durability, seed, life, steps },
        linger: true,
      }
      const units = unitsOf(planOf(seed, life, steps))
      const moment = momentOf(random, units.length, slow)
      const ended = await killAt(task, moment, slow ? slowly(oneOf(random, [2, 4, 8])) : [])
      const found = strangeEnd(ended)
      const failed = follow(oracle, life, units, ended.reports, durability === 'none')
      for (const { what, failure } of failed.slice(0, 3)) {
        found.push(`${what} failed with nothing wrong: ${failure.message}`)
      }
      count(counts, ended.reports, slow)
      const recover = life === LIVES - 1 || random() < 0.4
      const options = { storage, durability, segmentBytes: 0x1_0000 }
      const checked = await checkLog(dir, options, oracle, recover)
      found.push(...checked.found)
      if (checked.recovery?.torn !== undefined) counts.add('torn tails')
      if (found.length > 0) {
        const which = `seed ${seed}, ${nameOfDurability(durability)}, life ${life}`
        return `${which}, killed ${moment.ms.toFixed(1)} ms after ${moment.after} ${moment.times}: ${found.join('; ')}`
      }
    }
    counts.add('entries recovered', oracle.settledEntries)
    return undefined
  } finally {
    remove()
  }
}

function momentOf(random: Random, units: number, slow: boolean): Moment {
  const kind = random()
  if (kind < 0.15) return { after: 'opening', times: 1, ms: random() * 15 }
  if (kind < 0.3) return { after: 'closing', times: 1, ms: random() * 8 }
  const times = between(random, 1, units)
  // Right after an acknowledgement a slow disk shows best whether it came too early.
  if (slow || kind < 0.6) return { after: 'acknowledged', times: Math.ceil(times / 2), ms: 0 }
  return { after: 'began', times, ms: random() < 0.3 ? 0 : random() * 4 }
}

async function killAt(task: Task, moment: Moment, under: readonly string[]): Promise<Life> {
  let left = moment.times
  const heard = ({ what }: Report): void => {
    // One that could not be opened says nothing more, and one that has closed only waits.
    const over = what === 'notOpened' || what === 'notClosed' || what === 'closed'
    if (what === moment.after) left--
    else if (!over) return
    if (left > 0 && !over) return
    if (moment.ms === 0) child.kill()
    else void sleep(moment.ms).then(() => child.kill())
  }
  const child = new LogProcess(task, heard, under)
  return await child.ended
}

/** What is wrong with how a process that was to be killed has ended. */
export function strangeEnd({ how, errors, hung }: Life): string[] {
  if (hung) return ['the process hung']
  if (how === 'SIGKILL') return []
  return [`the process ended by itself, with ${how}: ${errors.trim() || 'no message'}`]
}

function count(counts: Counts, reports: readonly Report[], slow: boolean): void {
  counts.add('kills')
  const at = reports.at(-1)?.what
  if (at === 'opening') counts.add('kills while opening')
  if (at === 'closing') counts.add('kills while closing')
  if (slow) counts.add('kills on a slow disk')
  counts.add('calls begun', reports.filter(({ what }) => what === 'began').length)
  const answered = reports.filter(({ what }) => what === 'acknowledged' || what === 'returned')
  counts.add('calls acknowledged', answered.length)
}
