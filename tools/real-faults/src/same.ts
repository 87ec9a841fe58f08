/**
 * Row 8: the same workload, clock, randomness and commit groups on every storage: the same answers, and the same files.
 *
 * Half of the seeds have all storages align groups as the one that must (and zeros ahead, and small segments): then
 * every byte of every file is the same. The other half leave each its own: then storages that align alike have the
 * same bytes, and all have the same groups and frames; what differs is padding.
 */

import { createHash } from 'node:crypto'
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inspect, Log, verify } from '@walrus/log'
import { drive, type Recorder } from './drive.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, planOf } from './plan.ts'
import { between, randomFrom } from './random.ts'
import { hold, temporaryDirectory } from './resources.ts'
import { type Storage, STORAGE_NAMES, storageMissing, storageNamed } from './storages.ts'
import { Turns } from './turns.ts'

const LIVES = 2
const MOST_ALIGNED = 512
/** Larger than what a workload writes. */
const ONE_SEGMENT = 2 ** 28
const ONE_BUFFER = 2 ** 28
/** One seed in so many is on the disk; the rest is in memory, where there is such a file system. */
const ON_DISK_EVERY = 20
const MEMORY = '/dev/shm'

export interface SameOptions {
  readonly runs: number
  readonly seed: number
  readonly progress?: (line: string) => void
}

/** What came of a workload on one storage. */
export interface Result {
  readonly storage: string
  readonly align: number
  /** Everything that was answered, in order. */
  readonly answers: readonly string[]
  /** Digests by name. */
  readonly files: Readonly<Record<string, string>>
  /** Groups and frames, without where they stand. */
  readonly frames: readonly string[]
}

export async function runSame({ runs, seed: first, progress }: SameOptions): Promise<Outcome> {
  const counts = new Counts()
  const violations: Violation[] = []
  const skipped: string[] = []
  const storages: string[] = []
  for (const name of STORAGE_NAMES) {
    const missing = await storageMissing(name)
    if (missing === undefined) storages.push(name)
    else skipped.push(missing)
  }
  for (let seed = first; seed < first + runs; seed++) {
    const results: Result[] = []
    for (const name of storages) results.push(await resultOf(seed, name))
    const what = differences(results, counts)
    if (what.length > 0) {
      const durability = nameOfDurability(durabilityOf(seed))
      const replay = `pnpm real-faults same --runs 1 --seed ${seed}`
      violations.push({
        what: `seed ${seed}, ${durability}: ${what.slice(0, 4).join('; ')}`,
        replay,
      })
    }
    counts.add('workloads')
    if ((seed - first) % 100 === 99) progress?.(`same: ${seed - first + 1} of ${runs}`)
  }
  return { name: 'same', counts: counts.toRecord(), violations, skipped }
}

function durabilityOf(seed: number): (typeof DURABILITIES)[number] {
  return DURABILITIES[(seed >> 1) % DURABILITIES.length]!
}

/** Carries out the seed's workload on a storage. */
async function resultOf(seed: number, name: string): Promise<Result> {
  const alike = seed % 2 === 0
  const { path, remove } = directoryFor(seed)
  const below = await storageNamed(name)
  const turns = new Turns(below, {
    random: randomFrom(seed, 7),
    msEach: alike ? 1 : 0,
    traits: alike ? { align: MOST_ALIGNED } : { zeroAhead: false },
  })
  try {
    const dir = join(path, 'log')
    const answers: string[] = []
    for (let life = 0; life < LIVES; life++) {
      answers.push(...(await answersOf(dir, seed, life, turns, alike)))
    }
    const { align } = turns.storage
    const frames = await framesIn(dir, below)
    const files = filesIn(dir)
    const { damage, entries, groups } = await verify(dir, { storage: below })
    answers.push(`verified ${entries} entries in ${groups} groups`)
    answers.push(...damage.map(({ message }) => message.replaceAll(dir, '')))
    return { storage: name, align, answers, files, frames }
  } finally {
    remove()
  }
}

function directoryFor(seed: number): { path: string; remove: () => void } {
  if (seed % ON_DISK_EVERY === 0 || !hasMemory()) return temporaryDirectory()
  const path = mkdtempSync(join(MEMORY, 'walrus-real-faults-'))
  return { path, remove: hold(() => rmSync(path, { recursive: true, force: true })) }
}

function hasMemory(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What one life of the log says to everything that is asked of it. */
async function answersOf(
  dir: string,
  seed: number,
  life: number,
  turns: Turns,
  alike: boolean,
): Promise<string[]> {
  const { storage } = turns
  const answers: string[] = []
  const random = randomFrom(seed, life, 8)
  const { steps, ...sizes } = planOf(seed, life, between(random, 1, 5))
  const options = alike ? sizes : { segmentBytes: ONE_SEGMENT, bufferBytes: ONE_BUFFER }
  const log = await Log.open(dir, { ...options, storage, durability: durabilityOf(seed) })
  answers.push(`opened, ${log.recovery.clean ? 'closed before' : 'not closed before'}`)
  const recorder: Recorder = {
    began: ({ serial }) => answers.push(`${serial} began`),
    acknowledged: ({ serial }, indexes) => answers.push(`${serial} has ${indexes.join(' ')}`),
    returned: ({ serial }, index) => answers.push(`${serial} returned ${index}`),
    rejected: ({ serial }, error) => answers.push(`${serial} failed: ${String(error)}`),
    synced: (units) => answers.push(`${units} synced`),
    syncRejected: (error) => answers.push(`sync failed: ${String(error)}`),
  }
  for (const step of steps) {
    await drive(log, step, { seed, life }, recorder, (ms) => turns.pause(ms))
    if (!alike) await turns.idle()
    answers.push(`marks ${JSON.stringify(log.marks)}`)
  }
  for (const stream of ['', ...log.streams()]) {
    const source = stream === '' ? log : log.stream(stream)
    for await (const { index, data, time } of source.entries()) {
      answers.push(`${stream} ${index} at ${time}: ${digestOf(data)}`)
      if (random() < 0.1) answers.push(`viewed ${digestOf(source.view(index).data)}`)
      if (random() < 0.1) answers.push(`got ${digestOf((await source.get(index)).data)}`)
    }
  }
  await log.close()
  await turns.idle()
  return answers
}

function digestOf(data: Uint8Array): string {
  return createHash('sha1').update(data).digest('base64')
}

/** But for the lock's, which name processes and times of the machine. */
function filesIn(dir: string): Record<string, string> {
  const names = readdirSync(dir).filter((name) => name !== 'LOCK')
  return Object.fromEntries(
    names.toSorted().map((name) => [name, digestOf(readFileSync(join(dir, name)))]),
  )
}

async function framesIn(dir: string, storage: Storage): Promise<string[]> {
  const frames: string[] = []
  for await (const item of inspect(dir, { storage })) {
    if (item.type === 'group') {
      const { firstLsn, count, time, mark, boot, epoch } = item.header
      frames.push(`group ${[firstLsn, count, time, mark, boot, epoch].join(' ')}`)
    } else if (item.type === 'frame') {
      const { lsn, stream, kind, position, time, data } = item
      frames.push(`frame ${[lsn, stream, kind, position, time, digestOf(data)].join(' ')}`)
    } else if (item.type === 'bad') frames.push(`bad: ${item.message}`)
  }
  return frames
}

/** What is not the same, in words. */
export function differences(results: readonly Result[], counts: Counts = new Counts()): string[] {
  const found: string[] = []
  const [first, ...others] = results
  if (first === undefined) return found
  counts.add('groups and frames', first.frames.length)
  counts.add('answers', first.answers.length)
  for (const other of others) {
    const pair = `${first.storage} and ${other.storage}`
    for (const what of ['answers', 'frames'] as const) {
      const at = firstDifference(first[what], other[what])
      if (at === undefined) continue
      const [left = 'nothing', right = 'nothing'] = [first[what][at], other[what][at]]
      found.push(`${pair}: ${what} differ at ${at}: ${left}, and ${right}`)
    }
  }
  for (const [at, one] of results.entries()) {
    for (const other of results.slice(at + 1).filter(({ align }) => align === one.align)) {
      counts.add('pairs the same byte for byte')
      counts.add('files', Object.keys(one.files).length)
      const names = new Set([...Object.keys(one.files), ...Object.keys(other.files)])
      for (const name of names) {
        if (one.files[name] === other.files[name]) continue
        found.push(`${one.storage} and ${other.storage}: ${name} differs`)
      }
    }
  }
  return found
}

function firstDifference(a: readonly string[], b: readonly string[]): number | undefined {
  const at = Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, n) => a[n] !== b[n])
  return at === -1 ? undefined : at
}
