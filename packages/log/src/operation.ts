/**
 * Work on files that can be driven with or without waiting.
 *
 * A procedure is a generator of operations, each of which can be started or done at once. `appendSync` may come
 * while a group is being written in the background: it then takes the procedure over, does the operation under way
 * again (the same bytes in the same place, so doing it twice is doing it once), and runs the rest without waiting.
 * When the one under way then comes back, nobody listens any more, unless it failed.
 */

import type { StorageFile } from '@walrus/segment'

/** One piece of work on files. */
export interface Operation {
  start(): Promise<unknown>
  now(): unknown
}

export type Procedure = Generator<Operation, void, void>

/** A sync of a file. */
export function syncOf(file: StorageFile): Operation {
  return { start: () => file.sync(), now: () => file.syncSync() }
}

/**
 * Does an operation and throws, in the procedure itself, what it fails with: one that catches that can go on. Returns
 * whether it was done without waiting, so that it may still be under way a second time.
 */
export function* tried(operation: Operation): Generator<Operation, boolean, void> {
  let failure: { readonly error: unknown } | undefined
  let over = false
  let done = false
  yield {
    start: async () => {
      try {
        await operation.start()
      } catch (error) {
        // Taken over meanwhile, it concerns whoever drives the procedure.
        if (over) throw error
        failure = { error }
      }
    },
    now: () => {
      done = true
      failure = undefined
      try {
        operation.now()
      } catch (error) {
        failure = { error }
      }
    },
  }
  over = true
  if (failure !== undefined) throw failure.error
  return done
}

/** Does a procedure, or the rest of one, without waiting; `underWay` is the operation it was in. */
export function doNow(procedure: Procedure, underWay?: Operation): void {
  let operation = underWay
  for (;;) {
    if (operation !== undefined) {
      try {
        operation.now()
      } catch (error) {
        // Lets the procedure clean up; it throws the error on.
        procedure.throw(error)
      }
    }
    const next = procedure.next()
    if (next.done === true) return
    operation = next.value
  }
}

/** Does a procedure in the background. */
export async function doLater(procedure: Procedure): Promise<void> {
  let next = procedure.next()
  while (next.done !== true) {
    try {
      await next.value.start()
    } catch (error) {
      procedure.throw(error)
    }
    next = procedure.next()
  }
}

/** What a procedure throws when its operation failed with `error`, after it has cleaned up. */
function thrownBy(procedure: Procedure, error: unknown): unknown {
  try {
    procedure.throw(error)
  } catch (thrown) {
    return thrown
  }
  return error
}

/** Drives one procedure after another. At most one operation is under way. */
export class Driver {
  #procedure: Procedure | undefined
  #underWay: Operation | undefined
  #whenIdle: (() => void)[] = []
  #late = 0
  readonly #done: () => void
  readonly #failed: (error: unknown) => void
  readonly #failedLate: (error: unknown) => void

  /**
   * @param done called when a procedure has run to its end in the background
   * @param failed called when it threw in the background
   * @param failedLate called when an operation failed that had been taken over meanwhile
   */
  constructor(
    done: () => void,
    failed: (error: unknown) => void,
    failedLate: (error: unknown) => void,
  ) {
    this.#done = done
    this.#failed = failed
    this.#failedLate = failedLate
  }

  get busy(): boolean {
    return this.#procedure !== undefined
  }

  /** Whether an operation that was taken over has not come to its own end yet. */
  get late(): boolean {
    return this.#late > 0
  }

  /** Resolves when nothing is under way in the background, also nothing that was taken over. */
  async idle(): Promise<void> {
    while (this.busy || this.late)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  /** Drives a procedure in the background. Nothing may be under way. */
  start(procedure: Procedure): void {
    this.#procedure = procedure
    this.#step(procedure)
  }

  /** Takes over what is under way, or drives `procedure`, to its end; throws what it throws. */
  finish(procedure: Procedure | undefined = this.#procedure): void {
    if (procedure === undefined) return
    const underWay = procedure === this.#procedure ? this.#underWay : undefined
    if (underWay !== undefined) this.#late++
    this.#end()
    doNow(procedure, underWay)
  }

  #step(procedure: Procedure): void {
    let next: IteratorResult<Operation, void>
    try {
      next = procedure.next()
    } catch (error) {
      this.#end()
      this.#failed(error)
      return
    }
    if (next.done === true) {
      this.#end()
      this.#done()
      return
    }
    const operation = next.value
    this.#underWay = operation
    operation.start().then(
      () => {
        if (this.#underWay === operation) this.#step(procedure)
        else this.#lateEnded()
      },
      (error: unknown) => {
        if (this.#underWay !== operation) {
          this.#failedLate(error)
          this.#lateEnded()
          return
        }
        this.#end()
        this.#failed(thrownBy(procedure, error))
      },
    )
  }

  #lateEnded(): void {
    this.#late--
    this.#wake()
  }

  #end(): void {
    this.#procedure = undefined
    this.#underWay = undefined
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }
}
