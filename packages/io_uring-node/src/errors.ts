/**
 * The errors of this package. Every error has a `code`:
 *
 * | code | when |
 * |---|---|
 * | a system error (`EBADF`, `EINVAL`, `ENOSPC`, `ECANCELED`, …) | the kernel refused or ended an operation so |
 * | `ERR_INVALID_ARG_TYPE` (`TypeError`) | an argument of the wrong type |
 * | `ERR_OUT_OF_RANGE` (`RangeError`) | a number or length outside its range |
 * | `ERR_INVALID_ARG_VALUE` (`TypeError`) | an option or an operation that does not exist |
 * | `ERR_RING_CLOSED` | the ring is closed, or closing |
 * | `ERR_RING_FULL` | more operations than the ring has entries; nothing was submitted |
 * | `ERR_RING_BUSY` | registering while operations are under way |
 * | `ERR_RING_FOREIGN` | the ring was opened by another process (before a fork) or thread |
 * | `ERR_TOO_MANY_RINGS` | more than 4096 open rings on one thread |
 * | `ERR_BUFFER_DETACHED` | the memory to read into was detached before the read ended |
 * | `ERR_NO_SHARED_MEMORY` | this runtime lets no addon bring memory for an `ArrayBuffer` |
 * | `WALRUS_NATIVE_MISSING` | there is no native binary that loads here |
 * | `WALRUS_URING_UNSUPPORTED` | the kernel has no io_uring for this process |
 */

import { getSystemErrorMap } from 'node:util'

/** io_uring cannot be used here; the message says why. */
export class UringUnsupportedError extends Error {
  readonly code: 'WALRUS_NATIVE_MISSING' | 'WALRUS_URING_UNSUPPORTED'

  constructor(code: 'WALRUS_NATIVE_MISSING' | 'WALRUS_URING_UNSUPPORTED', reason: string) {
    super(`@walrus/io_uring-node cannot be used: ${reason}`)
    this.code = code
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'UringUnsupportedError' })
  }
}

/** An operation that failed, or a call on a ring that did. */
export class UringError extends Error {
  /** Name of the system error, or one of this package's codes. */
  readonly code: string
  /** The negative error number, as `node:fs` gives it; not there where no system call failed. */
  declare readonly errno?: number
  /** What failed: `write`, `read`, `fsync`, … */
  readonly syscall: string

  constructor(code: string, message: string, syscall: string, errno?: number) {
    super(message)
    this.code = code
    this.syscall = syscall
    if (errno !== undefined) this.errno = errno
  }

  static {
    Object.defineProperty(this.prototype, 'name', {
      value: 'UringError',
      writable: true,
      configurable: true,
    })
  }
}

/** What became of one operation of a batch: its result, or its error. */
export type Outcome = number | UringError

/**
 * At least one operation of a batch failed. It carries the code and the message of the first that
 * failed of itself, not because one before it in its chain did.
 */
export class BatchError extends UringError {
  /** Which operation of the batch that is. */
  readonly index: number
  /** What became of each operation, in the order of the batch. */
  readonly outcomes: readonly Outcome[]

  constructor(index: number, first: UringError, outcomes: readonly Outcome[]) {
    super(
      first.code,
      `operation ${index} of the batch: ${first.message}`,
      first.syscall,
      first.errno,
    )
    this.index = index
    this.outcomes = outcomes
    this.cause = first
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'BatchError' })
  }
}

/** @internal Of a negative error number. */
export function systemError(errno: number, syscall: string, about = ''): UringError {
  const [code, text] = getSystemErrorMap().get(errno) ?? ['EUNKNOWN', `error ${-errno}`]
  return new UringError(code, `${code}: ${text}, ${syscall}${about}`, syscall, errno)
}

/** @internal An option or operation that does not exist. */
export function invalidValue(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' })
}

/** @internal An argument of the wrong type, as Node.js reports it. */
export function invalidType(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}
