/** Works with a log and a view that is attached to it, over several openings, and writes down what is promised. */

import { type Attachment, type Durability, Log, type LogOptions } from '@walrus/log'
import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { codeOf } from './history-driver.ts'
import { KeyView, SNAPSHOTS, stateOf, STREAM } from './key-view.ts'
import { choose, pick, type Random } from './random.ts'
import { DIR } from './workload.ts'

/** Six large rows make a commit, and as many a segment. */
export const OPTIONS: LogOptions = { segmentBytes: 0x1_0000, bufferBytes: 0x1_0000 }
export const LARGE_ROW = 9_000
const EVERY = [3, 8, 100]
const KEYS = 14
const OPENINGS = 3
const STEPS = 8
/** What goes on behind a call that should have waited shows before that, in milliseconds. */
const SOON_MS = 60

/** What is promised of the entries of the view's stream. */
export class Promised {
  /** What was sequenced and not taken back, in order. */
  readonly keys: string[] = []
  /** How many of them are acknowledged, and durable. */
  acknowledged = 0
  durable = 0
  /** Of how many of them a snapshot speaks that was acknowledged, or is durable. */
  covered = 0
  coveredDurably = 0

  copy(): Promised {
    const copy = new Promised()
    copy.keys.push(...this.keys)
    return Object.assign(copy, {
      acknowledged: this.acknowledged,
      durable: this.durable,
      covered: this.covered,
      coveredDurably: this.coveredDurably,
    })
  }
}

export class ViewDriver {
  readonly #storage: SimulatedStorage
  readonly #durability: Durability
  readonly #promised: Promised
  readonly #random: Random
  readonly #rowBytes: number
  readonly #found: string[] = []
  #log: Log | undefined
  #view: KeyView | undefined
  #attachment: Attachment | undefined

  constructor(
    storage: SimulatedStorage,
    durability: Durability,
    promised: Promised,
    random: Random,
  ) {
    this.#storage = storage
    this.#durability = durability
    this.#promised = promised
    this.#random = random
    this.#rowBytes = choose(random, [0, LARGE_ROW, LARGE_ROW])
  }

  /**
   * Everything by chance; what went wrong, in words.
   * @param look lets a reader look
   */
  async run(look: () => Promise<void>): Promise<string[]> {
    for (let opening = 0; opening < OPENINGS; opening++) {
      this.#log = await Log.open(DIR, {
        ...OPTIONS,
        storage: this.#storage,
        durability: this.#durability,
      })
      await this.#refused(this.#attach())
      for (let step = 0; step < STEPS && this.#attachment !== undefined; step++) {
        await this.#refused(this.#step(look))
        if (this.#attachment !== undefined) this.#check('holds')
      }
      await this.#close()
    }
    return this.#found
  }

  /** Closes what is open, whatever comes of it. */
  async abandon(): Promise<void> {
    await this.#log?.close().catch(() => {})
  }

  async #attach(): Promise<void> {
    this.#view = new KeyView(this.#rowBytes)
    const { keys, covered } = this.#promised
    this.#attachment = undefined
    const snapshotEvery = choose(this.#random, EVERY)
    this.#attachment = await this.#log!.attach(this.#view, { snapshotEvery })
    this.#check('is restored to')
    const { applied } = this.#view
    if (applied > keys.length - covered)
      this.#found.push(
        `a view is given ${applied} of ${keys.length} entries, ${covered} of which are in a snapshot`,
      )
  }

  #check(does: string): void {
    const [is, must] = [this.#view!.told, stateOf(this.#promised.keys)]
    if (is !== must) this.#found.push(`a view ${does} ${is}, and must be ${must}`)
  }

  async #step(look: () => Promise<void>): Promise<void> {
    const random = this.#random
    const what = pick(random, 12)
    if (what < 4) return await this.#put(1 + pick(random, 6))
    if (what < 5) return void (await this.#log!.append(Buffer.alloc(LARGE_ROW)))
    if (what < 7) return await this.#snapshotAlone()
    if (what < 8) return await this.#together()
    if (what < 9) return void (await this.#log!.retain({ maxSegments: 1 + pick(random, 3) }))
    if (what < 10) return await this.#attachAnew()
    await look()
  }

  /** Each in a commit of its own. */
  async #put(count: number): Promise<void> {
    const { keys } = this.#promised
    const put = async (): Promise<void> => {
      const key = `key ${pick(this.#random, KEYS)}`
      const batch = this.#log!.batch()
      this.#view!.add(batch, key)
      let position = -1
      batch.join({
        sequenced: ([at]) => {
          position = at!
          keys[position] = key
        },
        failed: () => void (keys.length = Math.min(keys.length, position)),
      })
      await this.#log!.commit(batch)
      this.#acknowledged(position + 1)
    }
    await settled(Array.from({ length: count }, put))
  }

  #acknowledged(next: number): void {
    const promised = this.#promised
    promised.acknowledged = Math.max(promised.acknowledged, next)
    if (this.#durability === 'commit') promised.durable = promised.acknowledged
  }

  async #snapshot(): Promise<void> {
    const promised = this.#promised
    const { length } = promised.keys
    await this.#attachment!.snapshot()
    promised.covered = Math.max(promised.covered, length)
    // What it speaks of stands before it.
    this.#acknowledged(length)
    if (this.#durability === 'commit') promised.coveredDurably = promised.covered
  }

  /** When it is made nothing of it is left to be done. */
  async #snapshotAlone(): Promise<void> {
    await this.#snapshot()
    if (this.#view!.giving) this.#found.push('a snapshot is made, and still being taken')
    const { durable, sequenced } = this.#log!.marks
    if (this.#durability === 'commit' && durable < sequenced)
      this.#found.push(`a snapshot is made, and the log durable up to ${durable} of ${sequenced}`)
  }

  async #together(): Promise<void> {
    await settled([this.#put(2), this.#snapshot(), this.#put(2), this.#snapshot()])
  }

  /** Released, also while snapshots are being made, and attached again. */
  async #attachAnew(): Promise<void> {
    const view = this.#view!
    const underWay = [this.#put(3)]
    if (pick(this.#random, 2) === 0) underWay.push(this.#snapshot())
    else await this.#refused(settled(underWay.splice(0)))
    await this.#attachment!.release()
    const at = this.#log!.stream(SNAPSHOTS).next
    if (view.giving) this.#found.push('a view is released, and still asked for rows')
    await this.#refused(settled(underWay))
    await new Promise<void>((resolve) => this.#storage.env.after(SOON_MS, resolve))
    const more = this.#log!.stream(SNAPSHOTS).next - at
    if (more > 0) this.#found.push(`a view is released, and ${more} entries of a snapshot follow`)
    await this.#attach()
  }

  /** What was refused for want of space was taken back; the rest only the next opening can tell. */
  async #refused(done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      if (codeOf(error) !== 'WALRUS_DISK_FULL') throw error
    }
  }

  async #close(): Promise<void> {
    const promised = this.#promised
    const underWay =
      pick(this.#random, 2) === 0 ? this.#attachment?.snapshot().then(() => 'made', codeOf) : 'none'
    await this.#log!.close()
    this.#log = undefined
    const became = await underWay
    const allowed = ['made', 'none', 'WALRUS_CLOSED', undefined]
    if (!allowed.includes(became)) this.#found.push(`closing ends a snapshot with ${became}`)
    if (this.#view!.giving) this.#found.push('the log is closed, and a view still asked for rows')
    promised.acknowledged = promised.keys.length
    promised.durable = promised.acknowledged
    promised.coveredDurably = promised.covered
  }
}

/** A reader in a process of its own, with a view that is brought up to date now and then. */
export class ViewReader {
  readonly #disk: SimulatedDisk
  readonly #promised: Promised
  readonly #found: string[] = []
  #log: Log | undefined
  #view: KeyView | undefined
  #attachment: Attachment | undefined
  #seen = 0

  constructor(disk: SimulatedDisk, promised: Promised) {
    this.#disk = disk
    this.#promised = promised
  }

  async look(): Promise<void> {
    const { fault } = this.#disk
    this.#disk.fault = undefined
    try {
      this.#log ??= await Log.open(DIR, { storage: this.#disk.process(), readOnly: true })
      if (this.#attachment === undefined) {
        this.#view = new KeyView(0)
        this.#attachment = await this.#log.attach(this.#view)
      }
      await this.#attachment.refresh()
      this.#check()
    } catch (error) {
      // What it was to be given may be gone: then it is attached anew.
      if (codeOf(error) !== 'WALRUS_TRUNCATED_AWAY')
        this.#found.push(`a reader fails with ${String(error)}`)
      await this.#attachment?.release()
      this.#attachment = undefined
    }
    this.#disk.fault = fault
  }

  #check(): void {
    const { next } = this.#log!.stream(STREAM)
    const [is, must] = [this.#view!.told, stateOf(this.#promised.keys.slice(0, next))]
    if (is !== must) this.#found.push(`the view of a reader is ${is}, and must be ${must}`)
    if (next < this.#seen) this.#found.push(`a reader has ${next} entries, and had ${this.#seen}`)
    this.#seen = next
  }

  async end(): Promise<readonly string[]> {
    await this.#log?.close()
    return this.#found
  }
}

/** Waits for all, then throws what the first failed with. */
async function settled(underWay: readonly Promise<unknown>[]): Promise<void> {
  for (const answer of await Promise.allSettled(underWay)) {
    if (answer.status === 'rejected') throw answer.reason
  }
}
