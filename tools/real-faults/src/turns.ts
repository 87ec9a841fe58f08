/**
 * A storage on which things happen in an order that nothing but the calls made to it decides: what is begun is begun
 * at once, on the storage below, and comes to its end in the order of its beginning, with everything that follows
 * from it done before the next one does. Time passes only as it is told, and chance comes from a seed.
 *
 * So the same calls on two storages have the same answers, commit groups and bytes, or the storages differ.
 */

import type { Random } from './random.ts'
import type { Storage } from './storages.ts'

type StorageFile = Awaited<ReturnType<Storage['open']>>
type Timer = ReturnType<Storage['env']['after']>

const START = Date.UTC(2026, 0, 1)

interface Due {
  readonly at: number
  readonly run: () => void
}

export interface TurnsOptions {
  /** Milliseconds that pass with each thing that comes to its end. */
  readonly msEach: number
  readonly random: Random
  /** In place of the storage's own. */
  readonly traits: Partial<Pick<Storage, 'align' | 'zeroAhead'>>
}

export class Turns {
  readonly storage: Storage
  readonly #msEach: number
  readonly #ends: (() => unknown)[] = []
  /** In the order they were set. */
  #timers: Due[] = []
  #now = START
  #running = false
  #whenIdle: (() => void)[] = []

  constructor(below: Storage, { msEach, random, traits }: TurnsOptions) {
    this.#msEach = msEach
    this.storage = {
      ...below,
      ...traits,
      env: {
        ...below.env,
        now: () => this.#now,
        random: (into) => {
          for (let at = 0; at < into.length; at++) into[at] = Math.floor(random() * 256)
        },
        after: (ms, run) => this.#after(ms, run),
        soon: (run) => this.#add(run),
      },
      lock: (dir) => this.#inOrder(below.lock(dir)),
      // A directory has no order of its own.
      list: async (dir) => (await this.#inOrder(below.list(dir))).toSorted(),
      open: async (path, mode) => this.#file(await this.#inOrder(below.open(path, mode))),
      openSync: (path, mode) => this.#file(below.openSync(path, mode)),
      mkdir: (dir) => this.#inOrder(below.mkdir(dir)),
      rename: (from, to) => this.#inOrder(below.rename(from, to)),
      remove: (path) => this.#inOrder(below.remove(path)),
      syncDir: (dir) => this.#inOrder(below.syncDir(dir)),
    }
  }

  /** Resolves so many milliseconds later. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#after(ms, resolve)
    })
  }

  /** Resolves when nothing is under way and no timer is set. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
      this.#start()
    })
  }

  #after(ms: number, run: () => void): Timer {
    let isCancelled = false
    const runUnlessCancelled = (): void => {
      if (!isCancelled) run()
    }
    const due: Due = { at: this.#now + ms, run: runUnlessCancelled }
    this.#timers.push(due)
    this.#start()
    return {
      cancel: () => {
        // It may be due already, and wait for its turn.
        isCancelled = true
        this.#timers = this.#timers.filter((timer) => timer !== due)
      },
    }
  }

  #add(end: () => unknown): void {
    this.#ends.push(end)
    this.#start()
  }

  #inOrder<T>(work: Promise<T>): Promise<T> {
    // It may fail before its turn to be told.
    work.catch(() => {})
    return new Promise((resolve, reject) => {
      this.#add(async () => {
        await work.then(resolve, reject)
      })
    })
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    for (;;) {
      // Everything that follows from what came to its end last.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const end = this.#ends.shift() ?? this.#nextTimer()
      if (end === undefined) break
      this.#now += this.#msEach
      await end()
      this.#fireDue()
    }
    this.#running = false
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  #fireDue(): void {
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    for (const { run } of due.toSorted((a, b) => a.at - b.at)) this.#ends.push(run)
  }

  /** With nothing under way time passes until the next timer. */
  #nextTimer(): (() => unknown) | undefined {
    if (this.#timers.length === 0) return undefined
    this.#now = Math.max(this.#now, Math.min(...this.#timers.map(({ at }) => at)))
    this.#fireDue()
    return this.#ends.shift()
  }

  #file(below: StorageFile): StorageFile {
    return {
      get path() {
        return below.path
      },
      set path(path) {
        below.path = path
      },
      size: () => this.#inOrder(below.size()),
      sizeSync: () => below.sizeSync(),
      read: (into, at) => this.#inOrder(below.read(into, at)),
      readSync: (into, at) => below.readSync(into, at),
      write: (from, at, durable) => this.#inOrder(below.write(from, at, durable)),
      writeSync: (from, at, durable) => below.writeSync(from, at, durable),
      sync: () => this.#inOrder(below.sync()),
      syncSync: () => below.syncSync(),
      truncate: (size) => this.#inOrder(below.truncate(size)),
      truncateSync: (size) => below.truncateSync(size),
      view: (at, length) => below.view(at, length),
      close: () => this.#inOrder(below.close()),
      closeSync: () => below.closeSync(),
    }
  }
}
