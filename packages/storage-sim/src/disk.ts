/**
 * A disk in memory, with the machine around it, that crashes where it is told to. Deterministic: the same seed and
 * the same calls give the same bytes, the same times and the same losses.
 */

import { invalidOption, simulationError } from './errors.ts'
import { type BegunCall, type Call, type End, type Fault, Kernel } from './kernel.ts'
import { LOSSES, type Loss, type LossName } from './loss.ts'
import { SimulatedStorage } from './process.ts'

export interface SimulatedDiskOptions {
  /** Decides about everything that is left to chance; a whole number from 0 to 2^32 - 1. Default: 0. */
  readonly seed?: number
  /** What a power loss leaves of what was not synced. Default: `'any'`. */
  readonly loss?: LossName | Loss
  /** Bytes that the files may take, in blocks of 4,096. Default: no bound. */
  readonly capacity?: number
  /** What `Storage.align` says: a power of two. Default: 1. */
  readonly align?: number
  /** What `Storage.zeroAhead` says. Default: true. */
  readonly zeroAhead?: boolean
  /**
   * Harsher than disks with atomic sectors: a sector that held synced bytes may be ruined by a power loss while new
   * ones are written over it. Default: false.
   */
  readonly ruinSectors?: boolean
  /** Milliseconds since the Unix epoch at which its clock begins. Default: 1,700,000,000,000. */
  readonly now?: number
  /** Calls after which what is run is taken for endless. Default: 1,000,000. */
  readonly maxCalls?: number
}

/** How a run ended: what it returned, or by a crash. */
export type Outcome<T> =
  | { readonly ended: 'returned'; readonly value: T }
  | { readonly ended: End; readonly value?: undefined }

const KNOWN: Record<keyof SimulatedDiskOptions, true> = {
  seed: true,
  loss: true,
  capacity: true,
  align: true,
  zeroAhead: true,
  ruinSectors: true,
  now: true,
  maxCalls: true,
}

/**
 * A simulated disk. Processes on it get a `Storage` each.
 *
 * ```ts
 * const disk = new SimulatedDisk({ seed: 7 })
 * disk.crashAt(12) // in the 13th call that changes the disk
 * await disk.run(async (storage) => { … }) // { ended: 'power lost' }
 * await disk.run(async (storage) => { … }) // the next boot
 * ```
 */
export class SimulatedDisk {
  readonly #kernel: Kernel
  readonly #options: SimulatedDiskOptions

  /** @throws `WALRUS_INVALID_OPTION` */
  constructor(options: SimulatedDiskOptions = {}) {
    check(options)
    this.#options = options
    const { seed = 0, now = 1_700_000_000_000, maxCalls = 1_000_000 } = options
    const { ruinSectors = false, loss = 'any', capacity = Number.POSITIVE_INFINITY } = options
    this.#kernel = new Kernel({ seed, now, maxCalls, ruinSectors }, lossOf(loss))
    this.#kernel.capacity = capacity
  }

  /** Calls done so far, over all processes. */
  get calls(): number {
    return this.#kernel.calls
  }

  /** Calls so far that changed the disk or made a change durable; what `crashAt` counts. */
  get changes(): number {
    return this.#kernel.changes
  }

  /** The simulated time, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#kernel.schedule.now
  }

  /**
   * Decides about each call in the moment it is done; may be set at any time. What was under way then, and this call,
   * can be looked at by `copy()`.
   */
  get fault(): ((call: Call) => Fault | undefined) | undefined {
    return this.#kernel.fault
  }

  set fault(fault: ((call: Call) => Fault | undefined) | undefined) {
    this.#kernel.fault = fault
  }

  /**
   * Decides how long a call takes, in milliseconds, when it begins: a number from 0; `undefined` leaves it to chance,
   * which is mostly below 0.2, now and then up to 4. May be set at any time. Calls without a promise take no time, and
   * are not asked about. A number that cannot be makes the call fail with `WALRUS_INVALID_OPTION`.
   */
  get duration(): ((call: BegunCall) => number | undefined) | undefined {
    return this.#kernel.duration
  }

  set duration(duration: ((call: BegunCall) => number | undefined) | undefined) {
    this.#kernel.duration = duration
  }

  /** Bytes that the files may take; may be set at any time, also to less than they take now. */
  get capacity(): number {
    return this.#kernel.capacity
  }

  set capacity(bytes: number) {
    checkCapacity(bytes)
    this.#kernel.capacity = bytes
  }

  /**
   * Crashes in a call that changes the disk.
   * @param change counted from 0 over the life of the disk; see `changes`
   * @param how the machine loses power, or the process that makes the call is killed
   */
  crashAt(change: number, how: 'power' | 'kill' = 'power'): void {
    if (!Number.isSafeInteger(change) || change < 0) {
      throw invalidOption(`a call must be a whole number from 0, got ${change}`)
    }
    this.#kernel.fault = (call) => (call.change === change ? how : undefined)
  }

  /** Starts a process. It lives until it is killed or power is lost; `run` is for one that ends. */
  process(): SimulatedStorage {
    const { align = 1, zeroAhead = true } = this.#options
    return new SimulatedStorage(this.#kernel, { align, zeroAhead })
  }

  /**
   * Runs a process to its end: until `work` has settled, or a crash has ended it. Simulated time passes meanwhile.
   * `work` may wait for the storage, its timers, and what comes of them; nothing real.
   * @throws what `work` throws; `WALRUS_SIM_STALLED` when nothing can happen any more and it still waits;
   *   `WALRUS_SIM_ENDLESS` after `maxCalls` calls
   */
  async run<T>(work: (storage: SimulatedStorage) => Promise<T>): Promise<Outcome<T>> {
    const storage = this.process()
    let outcome: Outcome<T> | undefined
    let failed = false
    let error: unknown
    const settled = work(storage).then(
      (value) => {
        outcome = { ended: 'returned', value }
      },
      (thrown: unknown) => {
        failed = true
        error = thrown
      },
    )
    const { schedule, options } = this.#kernel
    const over = (): boolean => failed || outcome !== undefined || storage.end !== undefined
    const moved = await schedule.drive(over)
    const { end } = storage
    storage.kill()
    if (this.#kernel.calls > options.maxCalls) {
      throw simulationError('WALRUS_SIM_ENDLESS', `more than ${options.maxCalls} calls`)
    }
    if (end !== undefined) return { ended: end }
    if (!moved) {
      throw simulationError(
        'WALRUS_SIM_STALLED',
        'nothing can happen on the simulated disk any more, and what is run still waits',
      )
    }
    await settled
    if (failed) throw error
    return outcome!
  }

  /** Lets simulated time pass, in milliseconds, with all that is due meanwhile. */
  async pass(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw invalidOption(`a time must be a number of milliseconds from 0, got ${ms}`)
    }
    await this.#kernel.schedule.pass(ms)
  }

  /** Takes the machine's power: every process ends, and of what was not synced, `loss` says what is left. */
  losePower(loss: LossName | Loss = this.#kernel.loss): void {
    this.#kernel.losePower(lossOf(loss))
  }

  /**
   * Another disk with what this one holds now, synced or not, and without its processes: what they have under way is
   * done there in any part. Takes the options of this one where none are given, but for the seed: what is random
   * there goes its own way, the same one for every copy that is made after the same number of calls.
   */
  copy(options: SimulatedDiskOptions = {}): SimulatedDisk {
    const { now } = this.#kernel.schedule
    const seed = ((this.#options.seed ?? 0) + Math.imul(this.calls + 1, 0x9e3779b1)) >>> 0
    const copy = new SimulatedDisk({ ...this.#options, now, seed, ...options })
    copy.#kernel.takeFrom(this.#kernel)
    return copy
  }

  /** Every file, as processes see it, without a call: the examiner's hand. */
  files(): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>()
    for (const [path, { content }] of this.#kernel.tree.files()) files.set(path, content.bytes())
    return files
  }

  /** Path, size and CRC-32 of every file as processes see it, a line each: the same where disks hold the same. */
  fingerprint(): string {
    const files = [...this.#kernel.tree.files()]
    return files
      .map(([path, { content }]) => `${path} ${content.size} ${content.checksum}\n`)
      .join('')
  }

  /** Puts a file there, durable, without a call, in place of one that has its name. */
  put(path: string, bytes: Uint8Array): void {
    this.#kernel.put(path, bytes)
  }

  /** Takes a file away, durably, without a call. */
  remove(path: string): void {
    this.#kernel.tree.take(path)
  }
}

function lossOf(loss: LossName | Loss): Loss {
  if (typeof loss === 'object') return loss
  const found = Object.hasOwn(LOSSES, loss) ? LOSSES[loss] : undefined
  if (found !== undefined) return found
  throw invalidOption(
    `a loss must be one of ${Object.keys(LOSSES).join(', ')}, got ${String(loss)}`,
  )
}

function check(options: SimulatedDiskOptions): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name)) throw invalidOption(`there is no option ${name}`)
  }
  const { seed = 0, align = 1, now = 0, maxCalls = 1, capacity } = options
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw invalidOption(`seed must be a whole number from 0 to 2^32 - 1, got ${seed}`)
  }
  if (!Number.isInteger(align) || align < 1 || align > 2 ** 20 || (align & (align - 1)) !== 0) {
    throw invalidOption(`align must be a power of two from 1 to 2^20, got ${align}`)
  }
  if (!(now >= 0 && now <= Number.MAX_SAFE_INTEGER)) {
    throw invalidOption(`now must be a number of milliseconds from 0, got ${now}`)
  }
  if (!Number.isSafeInteger(maxCalls) || maxCalls < 1) {
    throw invalidOption(`maxCalls must be a whole number from 1, got ${maxCalls}`)
  }
  if (capacity !== undefined) checkCapacity(capacity)
}

function checkCapacity(bytes: number): void {
  if (bytes >= 0) return
  throw invalidOption(`capacity must be a number of bytes from 0, got ${bytes}`)
}
