/**
 * A ring: operations submitted to the kernel together, completed by promise or waited for.
 *
 * Invariant: a ring with operations under way is in `busy`, so that it and the memory it refers to
 * stay while only the kernel knows of them; one without is collected when it is dropped, and closed
 * then.
 */

import { type Binding, binding, FLAG, type Memory } from './binding.ts'
import {
  BatchError,
  invalidType,
  invalidValue,
  type Outcome,
  systemError,
  UringError,
  UringUnsupportedError,
} from './errors.ts'
import {
  copyOf,
  type File,
  type Operation,
  outcomeOf,
  prepare,
  RegisteredFile,
  type SyncOptions,
  type WriteOptions,
} from './operation.ts'
import { supported } from './supported.ts'

/** How to open a ring. */
export interface RingOptions {
  /** The most operations under way at once, 1 to 4096; 128 unless told. */
  readonly entries?: number
}

/** One operation under way, and what waits for it. */
interface Pending {
  readonly operation: Operation
  readonly index: number
  readonly batch: Batch
}

/** Operations submitted together. */
interface Batch {
  left: number
  readonly outcomes: Outcome[]
  ended(): void
}

/** Completions taken from the binary in one call. */
const TAKEN = new Int32Array(2 * 256)

const busy = new Map<number, Ring>()
const dropped = new FinalizationRegistry<number>((id) => binding().close(id))
let started = false

/** The binary, told once where to deliver completions. */
function startedBinding(): Binding {
  const native = binding()
  if (!started) {
    native.start((id) => busy.get(id)?.deliver())
    started = true
  }
  return native
}

/**
 * A ring of operations. It belongs to the thread that opened it; each worker may have its own.
 *
 * Operations run at once and in any order, except where they are linked. A short read or write is
 * no error: the result says how many bytes it was. Arguments are checked before anything is
 * submitted, and a wrong one throws (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`,
 * `ERR_INVALID_ARG_VALUE`), as do `ERR_RING_CLOSED` and `ERR_RING_FULL`; methods that return a
 * promise reject with it. What the kernel refuses is a {@link UringError} with the system's code.
 *
 * Memory from `allocate` is used where it stands: do not change it until the operation has ended.
 * Other memory is copied, unless the call waits for the operation. A read into other memory is
 * copied there when it ends.
 *
 * An open ring does not keep the process alive; an operation under way does.
 */
export class Ring {
  readonly #native: Binding
  readonly #id: number
  readonly #pending: (Pending | undefined)[] = []
  #inFlight = 0
  #closed: Promise<void> | undefined
  #resolveClosed: (() => void) | undefined
  /** The most operations under way at once. */
  readonly entries: number

  /**
   * @throws {@link UringUnsupportedError} where io_uring cannot be used; `ERR_OUT_OF_RANGE`;
   *   `ERR_TOO_MANY_RINGS`; a system error (`EMFILE`, `ENOMEM`)
   */
  constructor(options: RingOptions = {}) {
    if (typeof options !== 'object' || options === null)
      throw invalidType('the options of a ring must be an object')
    for (const key of Object.keys(options)) {
      if (key !== 'entries') throw invalidValue(`a ring has no option ${key}`)
    }
    this.entries = options.entries ?? 128
    this.#native = startedBinding()
    const id = this.#native.open(this.entries)
    if (id < 0) {
      const state = supported()
      if (!state.ok) throw new UringUnsupportedError(state.code, state.reason)
      throw systemError(id, 'io_uring_setup')
    }
    this.#id = id
    dropped.register(this, id, this)
  }

  /** Operations submitted and not yet ended. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * Writes at a position.
   *
   * @param position byte offset in the file, 0 to 2^53 − 1; without meaning for pipes and sockets
   * @returns how many bytes were written, which may be fewer than the buffer has
   */
  write(fd: File, buffer: Memory, position: number, options?: WriteOptions): Promise<number> {
    return this.#one({ ...options, op: 'write', fd, buffer, position })
  }

  /** {@link Ring.write}, waiting for it without the event loop; no memory is copied. */
  writeSync(fd: File, buffer: Memory, position: number, options?: WriteOptions): number {
    return this.#oneSync({ ...options, op: 'write', fd, buffer, position })
  }

  /**
   * Writes up to 1024 buffers, one behind the other.
   *
   * @returns how many bytes were written, which may be fewer than the buffers have
   */
  writev(
    fd: File,
    buffers: readonly Memory[],
    position: number,
    options?: WriteOptions,
  ): Promise<number> {
    return this.#one({ ...options, op: 'writev', fd, buffers, position })
  }

  /** {@link Ring.writev}, waiting for it without the event loop; no memory is copied. */
  writevSync(
    fd: File,
    buffers: readonly Memory[],
    position: number,
    options?: WriteOptions,
  ): number {
    return this.#oneSync({ ...options, op: 'writev', fd, buffers, position })
  }

  /**
   * Reads from a position.
   *
   * @returns how many bytes were read, which may be fewer than asked for; 0 at the end of the file
   */
  read(fd: File, buffer: Memory, position: number): Promise<number> {
    return this.#one({ op: 'read', fd, buffer, position })
  }

  /** {@link Ring.read}, waiting for it without the event loop; no memory is copied. */
  readSync(fd: File, buffer: Memory, position: number): number {
    return this.#oneSync({ op: 'read', fd, buffer, position })
  }

  /** Makes durable what had been written when it starts. Writes submitted beside it may come later. */
  async fsync(fd: File, options?: SyncOptions): Promise<void> {
    await this.#one({ ...options, op: 'fsync', fd })
  }

  /** {@link Ring.fsync}, waiting for it without the event loop. */
  fsyncSync(fd: File, options?: SyncOptions): void {
    this.#oneSync({ ...options, op: 'fsync', fd })
  }

  /**
   * Submits operations in one system call. It settles when every one of them has ended.
   *
   * @param operations 1 to as many as the ring has free entries
   * @returns the result of each
   * @throws {@link BatchError} if any failed, with the outcome of each
   */
  submit(operations: readonly Operation[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      const copies = copiesOf(operations)
      const outcomes: Outcome[] = []
      const ended = () => {
        const error = failed(outcomes)
        if (error === undefined) resolve(outcomes as number[])
        else reject(error)
      }
      this.#submit(copies, { left: copies.length, outcomes, ended }, 0)
    })
  }

  /** {@link Ring.submit}, waiting for it without the event loop; no memory is copied. */
  submitAndWait(operations: readonly Operation[]): number[] {
    const copies = copiesOf(operations)
    const outcomes: Outcome[] = []
    this.#submit(copies, { left: copies.length, outcomes, ended: nothing }, FLAG.wait)
    const error = failed(outcomes)
    if (error !== undefined) throw error
    return outcomes as number[]
  }

  /**
   * Makes files known to the ring; a registered file stays open for it when its descriptor is closed.
   *
   * @param fds 1 to 1024 descriptors; −1 leaves a place empty
   * @throws `ERR_RING_BUSY` while operations are under way; `EBUSY` if files are registered already
   */
  registerFiles(fds: readonly number[]): RegisteredFile[] {
    const all = elementsOf(fds, 'fds')
    this.#check(this.#native.registerFiles(this.#id, all), 'registerFiles')
    return all.map((_, index) => new RegisteredFile(index))
  }

  /** Puts another descriptor into the place of a registered file, or none (−1). */
  updateFile(file: RegisteredFile, fd: number): void {
    if (!(file instanceof RegisteredFile)) throw invalidType('file must be a registered file')
    this.#check(this.#native.updateFile(this.#id, file.index, fd), 'updateFile')
  }

  /** @throws `ERR_RING_BUSY` while operations are under way; `ENXIO` if there are none */
  unregisterFiles(): void {
    this.#check(this.#native.unregisterFiles(this.#id), 'unregisterFiles')
  }

  /**
   * Makes memory known to the ring: operations inside it then skip the look-up of its pages. They
   * need not say so.
   *
   * @param buffers 1 to 64 views of memory from `allocate`, not empty
   * @throws `ERR_RING_BUSY` while operations are under way; `EBUSY` if buffers are registered already;
   *   `ENOMEM` beyond RLIMIT_MEMLOCK
   */
  registerBuffers(buffers: readonly Memory[]): void {
    this.#check(
      this.#native.registerBuffers(this.#id, elementsOf(buffers, 'buffers')),
      'registerBuffers',
    )
  }

  /** @throws `ERR_RING_BUSY` while operations are under way; `ENXIO` if there are none */
  unregisterBuffers(): void {
    this.#check(this.#native.unregisterBuffers(this.#id), 'unregisterBuffers')
  }

  /**
   * Cancels what can be cancelled (it ends with `ECANCELED`), waits until everything under way has
   * ended, and gives the ring back. What is not cancelled ends as it would have. May be called again.
   */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      dropped.unregister(this)
      if (this.#native.close(this.#id)) resolve()
      else this.#resolveClosed = resolve
    })
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Called by the event loop when operations have ended. */
  deliver(): void {
    let count: number
    do {
      count = this.#native.take(this.#id, TAKEN)
      for (let i = 0; i < count; i++) this.#end(TAKEN[2 * i]!, TAKEN[2 * i + 1]!)
    } while (2 * count === TAKEN.length)
    if (this.#inFlight > 0) return
    busy.delete(this.#id)
    if (this.#resolveClosed !== undefined && this.#native.close(this.#id)) this.#resolveClosed()
  }

  #end(number: number, result: number): void {
    const { operation, index, batch } = this.#pending[number]!
    this.#pending[number] = undefined
    this.#inFlight--
    batch.outcomes[index] = outcomeOf(this.#native, operation, result)
    if (--batch.left === 0) batch.ended()
  }

  #one(operation: Operation): Promise<number> {
    return new Promise((resolve, reject) => {
      const batch: Batch = {
        left: 1,
        outcomes: [],
        ended: () => {
          const [outcome] = batch.outcomes
          if (typeof outcome === 'number') resolve(outcome)
          else reject(outcome)
        },
      }
      this.#submitOne(operation, batch, FLAG.submit)
    })
  }

  #oneSync(operation: Operation): number {
    const outcomes: Outcome[] = []
    this.#submitOne(operation, { left: 1, outcomes, ended: nothing }, FLAG.submit | FLAG.wait)
    const [outcome] = outcomes
    if (typeof outcome === 'number') return outcome
    throw outcome as UringError
  }

  #submitOne(operation: Operation, batch: Batch, flags: number): void {
    const copy = copyOf(operation)
    const number = prepare(this.#native, this.#id, copy, flags)
    this.#track(number < 0 ? ~number : number, copy, 0, batch)
    if (number < 0) this.deliver()
  }

  #submit(operations: readonly Operation[], batch: Batch, flags: number): void {
    const numbers = this.#prepareAll(operations, flags)
    const ended = this.#native.submit(this.#id, flags)
    for (const [index, operation] of operations.entries())
      this.#track(numbers[index]!, operation, index, batch)
    if (ended > 0) this.deliver()
  }

  #prepareAll(operations: readonly Operation[], flags: number): number[] {
    try {
      return operations.map((operation) => {
        const number = prepare(this.#native, this.#id, operation, flags)
        return number < 0 ? ~number : number
      })
    } catch (error) {
      if (this.#closed === undefined) this.#native.discard(this.#id)
      throw error
    }
  }

  #track(number: number, operation: Operation, index: number, batch: Batch): void {
    this.#pending[number] = { operation, index, batch }
    if (this.#inFlight++ === 0) busy.set(this.#id, this)
  }

  #check(result: number, call: string): void {
    if (result < 0) throw systemError(result, call)
  }
}

/** A copy of an array, the reading of which runs none of the caller's code. */
function elementsOf<Element>(given: readonly Element[], name: string): Element[] {
  if (!Array.isArray(given)) throw invalidType(`${name} must be an array`)
  return [...given]
}

function copiesOf(given: readonly Operation[]): Operation[] {
  const copies = elementsOf(given, 'operations').map(copyOf)
  if (copies.length === 0) throw invalidValue('a batch must have operations')
  return copies
}

/** The first operation that failed of itself, as an error of the batch. */
function failed(outcomes: readonly Outcome[]): BatchError | undefined {
  let index = outcomes.findIndex(
    (outcome) => typeof outcome !== 'number' && outcome.code !== 'ECANCELED',
  )
  if (index < 0) index = outcomes.findIndex((outcome) => typeof outcome !== 'number')
  const first = outcomes[index]
  return first instanceof UringError ? new BatchError(index, first, outcomes) : undefined
}

function nothing(): void {}
