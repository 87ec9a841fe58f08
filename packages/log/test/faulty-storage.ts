/**
 * `fd()` in a test's hands: it counts the calls, lets chosen ones fail, stops everything at a chosen one, and makes
 * time stand still until told otherwise.
 *
 * What a call does is done when its turn in the event loop comes, which may be after that of one that came later:
 * so a call that is slow is really done late. The same seed gives the same run. Nothing is synced: the power model
 * says what would be.
 */

import { WalrusError } from '@walrus/codec'
import { fd, type Lock, type OpenMode, type Storage, type StorageFile } from '@walrus/segment'
import { type Calls, FaultyFile, type Kind } from './faulty-file.ts'
import type { PowerModel } from './power-model.ts'
import { pick, type Random, randomFrom } from './random.ts'

export type { Kind } from './faulty-file.ts'

const LOOKING: readonly Kind[] = ['open', 'read', 'size', 'list']

export interface Call {
  readonly kind: Kind
  readonly path: string
  /** Counted from 0 over all calls, and over those that change the disk. */
  readonly number: number
  readonly change: number
}

/** `stop`: this call is done in part, and nothing after it happens any more. */
export type Fault = 'EIO' | 'ENOSPC' | 'stop'

export interface FaultyOptions {
  /** Decides about each call. */
  readonly fault?: (call: Call) => Fault | undefined
  readonly model?: PowerModel
  readonly seed?: number
  readonly bootId?: string
  /** Milliseconds since the Unix epoch at which its clock begins. */
  readonly now?: number
}

/** So many turns of the event loop a call may take. */
const LONGEST_DELAY = 3

/** What a call without a promise throws once everything has stopped. */
class Stopped extends Error {}

const never = new Promise<never>(() => {})

interface Alarm {
  readonly at: number
  readonly run: () => void
  done: boolean
}

export class FaultyStorage implements Storage, Calls {
  readonly name = 'faulty'
  readonly align = 1
  readonly canView = false
  readonly zeroAhead = true
  readonly env: Storage['env']
  readonly calls: Call[] = []
  /** Resolves when everything has stopped. */
  readonly stopped: Promise<void>
  /** Decides about each call; may be set anew. */
  fault: FaultyOptions['fault']
  readonly model: PowerModel | undefined
  readonly #fd = fd()
  readonly #random: Random
  readonly #delays: Random
  #now: number
  #alarms: Alarm[] = []
  #changes = 0
  #locks = 0
  #hasStopped = false
  #stop!: () => void

  constructor(options: FaultyOptions = {}) {
    this.fault = options.fault
    this.model = options.model
    this.#random = randomFrom(options.seed ?? 1)
    this.#delays = randomFrom((options.seed ?? 1) + 1_000_000)
    this.#now = options.now ?? 1_700_000_000_000
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve
    })
    this.env = {
      ...this.#fd.env,
      bootId: options.bootId ?? 'first boot',
      now: () => this.#now,
      random: (into) => {
        for (let at = 0; at < into.length; at++) into[at] = this.#random() * 256
      },
      after: (ms, run) => {
        const alarm = { at: this.#now + ms, run, done: false }
        this.#alarms.push(alarm)
        return {
          cancel: () => {
            alarm.done = true
          },
        }
      },
    }
  }

  /** Calls so far that changed the disk. */
  get changes(): number {
    return this.#changes
  }

  get hasStopped(): boolean {
    return this.#hasStopped
  }

  get now(): number {
    return this.#now
  }

  /** Whether somebody holds the lock. */
  get isLocked(): boolean {
    return this.#locks > 0
  }

  /** Lets time go on, and what is due happen. */
  async tick(ms: number): Promise<void> {
    this.#now += ms
    const due = this.#alarms.filter((alarm) => alarm.at <= this.#now)
    this.#alarms = this.#alarms.filter((alarm) => alarm.at > this.#now)
    for (const alarm of due) {
      if (alarm.done || this.#hasStopped) continue
      alarm.run()
      for (let turns = 0; turns <= LONGEST_DELAY; turns++) await turn()
    }
  }

  async lock(): Promise<Lock> {
    this.#locks++
    let held = true
    const release = async (): Promise<void> => {
      if (held) this.#locks--
      held = false
    }
    return { epoch: 1, release }
  }

  async locked(): Promise<undefined> {}

  list(dir: string): Promise<string[]> {
    return this.#fd.list(dir).then((names) => this.later('list', dir, () => names))
  }

  open(path: string, mode: OpenMode): Promise<StorageFile> {
    return this.later(mode === 'create' ? 'create' : 'open', path, () => this.#open(path, mode))
  }

  openSync(path: string, mode: OpenMode): StorageFile {
    return this.immediately(mode === 'create' ? 'create' : 'open', path, () =>
      this.#open(path, mode),
    )
  }

  mkdir(dir: string): Promise<void> {
    return this.later('mkdir', dir, () => {}).then(() => this.#fd.mkdir(dir))
  }

  rename(from: string, to: string): Promise<void> {
    return this.later('rename', to, () => this.#rename(from, to))
  }

  renameSync(from: string, to: string): void {
    this.immediately('rename', to, () => this.#rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.later('remove', path, () => {}).then(async () => {
      await this.#fd.remove(path)
      this.model?.removed(path)
    })
  }

  syncDir(dir: string): Promise<void> {
    return this.later('sync directory', dir, () => this.model?.syncedDirectory(dir))
  }

  syncDirSync(dir: string): void {
    this.immediately('sync directory', dir, () => this.model?.syncedDirectory(dir))
  }

  watch(path: string, changed: () => void): { close(): void } {
    return this.#fd.watch(path, changed)
  }

  /** Does a call at once; `partly` is what is left of it when it fails in the middle. */
  immediately<T>(kind: Kind, path: string, act: () => T, partly?: (share: number) => void): T {
    if (this.#hasStopped) throw new Stopped()
    const changes = !LOOKING.includes(kind)
    const call = { kind, path, number: this.calls.length, change: changes ? this.#changes++ : -1 }
    this.calls.push(call)
    const fault = this.fault?.(call)
    if (fault === undefined) return act()
    partly?.(this.#random())
    if (fault === 'stop') {
      this.#hasStopped = true
      this.#stop()
      throw new Stopped()
    }
    const code = fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL'
    throw new WalrusError(code, `${fault} made by the test: ${kind} ${path}`, { file: path })
  }

  /** Does a call when its turn comes. Once everything has stopped, it never ends. */
  async later<T>(
    kind: Kind,
    path: string,
    act: () => T,
    partly?: (share: number) => void,
  ): Promise<T> {
    for (let turns = pick(this.#delays, LONGEST_DELAY); turns >= 0; turns--) await turn()
    try {
      return this.immediately(kind, path, act, partly)
    } catch (error) {
      return error instanceof Stopped ? await never : Promise.reject(error as Error)
    }
  }

  #open(path: string, mode: OpenMode): FaultyFile {
    const file = this.#fd.openSync(path, mode)
    if (mode === 'create') this.model?.created(path)
    return new FaultyFile(this, file, mode === 'read' ? undefined : this.model?.inode(path))
  }

  #rename(from: string, to: string): void {
    this.#fd.renameSync(from, to)
    this.model?.renamed(from, to)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
