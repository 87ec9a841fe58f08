/**
 * Row 6: a small file system of its own that is filled to the last byte while a log on it is written, each time with
 * another number of bytes left, so that space runs out at every place.
 *
 * Then appends must be refused with `WALRUS_DISK_FULL` and nothing else, what was acknowledged must be readable and
 * stay, and once there is space the same log must take more, in the same process, without being opened again.
 */

import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Log } from '@walrus/log'
import { checkLog, readAlone } from './check.ts'
import { contentsOf } from './contents.ts'
import { type Disk, FILE_SYSTEMS, Filler, mountDisk } from './disk.ts'
import { drive, type Recorder } from './drive.ts'
import { Oracle } from './oracle.ts'
import { Counts, type Outcome, type Violation } from './outcome.ts'
import { DURABILITIES, nameOfDurability, type Plan, planOf } from './plan.ts'
import { between, type Random, randomFrom } from './random.ts'
import { type Storage, storageNamed } from './storages.ts'

/** How often space runs out in one run. */
const ROUNDS = 3
const MOST_LEFT = 700_000
/** With so much free, no step may be refused. */
const ENOUGH_FREE = 3 * 2 ** 20
/** More steps than a run can need. */
const STEPS = 300
/** Calls that wait for space are left waiting after this long. */
const PATIENCE_MS = 350
const DEADLINE_MS = 30_000

export interface FullOptions {
  /** On the first file system; a quarter as many on the other. */
  readonly runs: number
  readonly seed: number
  readonly storage: string
  readonly progress?: (line: string) => void
}

export async function runFull({ runs, seed, storage, progress }: FullOptions): Promise<Outcome> {
  const counts = new Counts()
  const violations: Violation[] = []
  const skipped: string[] = []
  for (const [at, type] of FILE_SYSTEMS.entries()) {
    let disk: Disk
    try {
      disk = mountDisk(type)
    } catch (error) {
      skipped.push(`a full ${type}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    try {
      const these = at === 0 ? runs : Math.ceil(runs / 4)
      for (let run = seed; run < seed + these; run++) {
        counts.add(`runs on ${type}`)
        const full = new FullRun(run, disk, await storageNamed(storage), counts)
        const found = await full.run()
        if (found.length > 0) {
          const what = `${type}, run ${run}, ${nameOfDurability(full.durability)}: ${found.slice(0, 5).join('; ')}`
          const replay = `node tools/real-faults/dist/main.js full --runs 1 --seed ${run} --storage ${storage}`
          violations.push({ what, replay })
        }
        if ((run - seed) % 50 === 49) progress?.(`full: ${type}, ${run - seed + 1} of ${these}`)
      }
    } finally {
      disk.unmount()
    }
  }
  return { name: 'full', counts: counts.toRecord(), violations, skipped }
}

class FullRun {
  readonly durability: (typeof DURABILITIES)[number]
  readonly #seed: number
  readonly #random: Random
  readonly #dir: string
  readonly #storage: Storage
  readonly #disk: Disk
  readonly #filler: Filler
  readonly #oracle: Oracle
  readonly #counts: Counts
  readonly #found: string[] = []
  #life = -1
  #plan: Plan
  #step = 0
  #refused = 0
  #log: Log | undefined

  constructor(seed: number, disk: Disk, storage: Storage, counts: Counts) {
    this.durability = DURABILITIES[seed % DURABILITIES.length]!
    this.#seed = seed
    this.#random = randomFrom(seed, 3)
    this.#dir = join(disk.path, `log-${seed}`)
    this.#storage = storage
    this.#disk = disk
    this.#filler = new Filler(disk)
    this.#oracle = new Oracle(seed)
    this.#counts = counts
    this.#plan = planOf(seed, 0, STEPS)
  }

  /** What is wrong, in words. */
  async run(): Promise<readonly string[]> {
    try {
      await this.#run()
    } catch (error) {
      this.#found.push(String(error))
    } finally {
      await this.#log?.close().catch(() => {})
      this.#filler.free()
      this.#filler.close()
      rmSync(this.#dir, { recursive: true, force: true })
    }
    return this.#found
  }

  async #run(): Promise<void> {
    if (this.#random() < 0.3) this.#filler.fill(this.#left())
    let log = await this.#open()
    for (let round = 0; round < ROUNDS && this.#found.length === 0; round++) {
      this.#filler.fill(this.#left())
      const waiting = await this.#appendUntilRefused(log)
      await this.#readWhileFull(log)
      if (waiting === undefined && this.#random() < 0.35) log = await this.#reopenWhileFull(log)
      this.#filler.free()
      if (waiting !== undefined)
        await within(waiting.answered, 'what waited for space to be answered')
      await this.#appendWithSpace(log)
    }
    await within(log.close(), 'close')
    this.#oracle.written()
    const { durability } = this
    const { segmentBytes } = this.#plan
    const options = { storage: this.#storage, durability, segmentBytes }
    const { found } = await checkLog(this.#dir, options, this.#oracle, true)
    this.#found.push(...found)
    this.#counts.add('entries kept', this.#oracle.settledEntries)
  }

  /** Mostly a few KiB, where what is small decides. */
  #left(): number {
    return between(this.#random, 0, this.#random() < 0.4 ? 20_000 : MOST_LEFT)
  }

  /** Opens the log for its next life; where there is no space for that, makes some. */
  async #open(): Promise<Log> {
    this.#plan = planOf(this.#seed, ++this.#life, STEPS)
    this.#step = 0
    this.#oracle.begin(this.#life)
    const { segmentBytes, bufferBytes } = this.#plan
    const { durability } = this
    const options = { storage: this.#storage, durability, segmentBytes, bufferBytes }
    try {
      this.#log = await Log.open(this.#dir, options)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#counts.add('openings refused')
      this.#filler.free()
      this.#log = await Log.open(this.#dir, options)
    }
    return this.#log
  }

  /** Appends until some calls have been refused; resolves to those that go on waiting for space, if any do. */
  async #appendUntilRefused(log: Log): Promise<{ answered: Promise<void> } | undefined> {
    const enough = this.#refused + between(this.#random, 1, 8)
    while (this.#refused < enough && this.#step < STEPS - 10) {
      const driven = this.#drive(log)
      if (this.durability !== 'none') {
        await within(driven, 'answering appends on a full disk')
        continue
      }
      const settled = driven.then(() => true)
      if (await Promise.race([settled, sleep(PATIENCE_MS, false)])) continue
      // Behind entries that appendSync has returned: they are written first, once there is space.
      this.#counts.add('times calls waited for space')
      return { answered: driven }
    }
    return undefined
  }

  async #readWhileFull(log: Log): Promise<void> {
    this.#counts.add('times full')
    // What the writer's own process sees, and what another one would.
    try {
      this.#found.push(...this.#oracle.check(await contentsOf(log)))
    } catch (error) {
      // Reading writes down first what appendSync has returned.
      if (this.durability !== 'none' || !isDiskFull(error)) throw error
    }
    this.#found.push(...this.#oracle.check(await readAlone(this.#dir, this.#storage), false))
  }

  async #reopenWhileFull(log: Log): Promise<Log> {
    this.#counts.add('times closed and opened while full')
    try {
      await within(log.close(), 'close')
      this.#oracle.written()
    } catch (error) {
      if (this.durability !== 'none' || !isDiskFull(error)) throw error
    }
    const seen = await readAlone(this.#dir, this.#storage)
    this.#found.push(...this.#oracle.check(seen))
    this.#oracle.settle(seen)
    return await this.#open()
  }

  /** There is space again: nothing may be refused any more. */
  async #appendWithSpace(log: Log): Promise<void> {
    const before = this.#refused
    for (let steps = 0; steps < 4 && this.#disk.free() > ENOUGH_FREE; steps++) {
      await within(this.#drive(log), 'appending with space')
    }
    if (this.#refused > before)
      this.#found.push('appends were refused though there was space again')
  }

  async #drive(log: Log): Promise<void> {
    const step = this.#plan.steps[this.#step++]!
    await drive(log, step, { seed: this.#seed, life: this.#life }, this.#recorder)
  }

  readonly #recorder: Recorder = {
    began: (unit) => this.#oracle.began(unit),
    acknowledged: ({ serial }, indexes) => {
      this.#counts.add('calls acknowledged')
      this.#oracle.acknowledged(serial, indexes)
    },
    returned: ({ serial }, index) => {
      this.#counts.add('calls acknowledged')
      if (this.durability === 'none') this.#oracle.returned(serial, index)
      else this.#oracle.acknowledged(serial, [index])
    },
    rejected: ({ serial }, error) => {
      if (!isDiskFull(error)) {
        this.#found.push(`an append failed with ${String(error)}`)
        return
      }
      this.#refused++
      this.#counts.add('calls refused')
      this.#counts.add(`refused for want of ${placeOf(error)}`)
      this.#oracle.refused(serial)
    },
    synced: (units) => this.#oracle.written(units),
    syncRejected: (error) => {
      if (!isDiskFull(error)) this.#found.push(`sync failed with ${String(error)}`)
    },
  }
}

function isDiskFull(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'WALRUS_DISK_FULL'
}

/** Where space ran out. */
function placeOf(error: Error): string {
  const name = 'file' in error ? basename(String(error.file)) : ''
  if (name.endsWith('.seg')) return 'a group'
  return name.includes('.seg.') ? 'a new segment' : `another file (${name})`
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  const stop = new AbortController()
  const late = sleep(DEADLINE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} took more than ${DEADLINE_MS / 1000} s`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    stop.abort()
    late.catch(() => {})
  }
}
