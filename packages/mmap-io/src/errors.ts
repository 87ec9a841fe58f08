/**
 * The errors that are not Node.js's own.
 *
 * A system call that failed throws an `Error` with the `code`, `errno` and `syscall` that `node:fs`
 * would give it. A bad argument throws a `TypeError` with code `ERR_INVALID_ARG_TYPE`, or a
 * `RangeError` with code `ERR_OUT_OF_RANGE`.
 */

/** There is no native binary that loads here; the message says why. */
export class NativeMissingError extends Error {
  readonly code = 'WALRUS_NATIVE_MISSING'

  constructor(reason: string) {
    super(`@walrus/mmap-io has no native binary: ${reason}`)
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'NativeMissingError' })
  }
}

/** Another open file holds a lock that conflicts. */
export class FileLockedError extends Error {
  readonly code = 'EAGAIN'
  readonly syscall = 'fcntl'
  /** The process that holds it; undefined where the system does not let this one see. */
  readonly holder: number | undefined

  constructor(holder: number | undefined) {
    super(
      `EAGAIN: the file is locked by ${holder === undefined ? 'another process' : `process ${holder}`}`,
    )
    this.holder = holder
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'FileLockedError' })
  }
}

/** @internal An argument of the wrong type, as Node.js reports it. */
export function invalidType(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

/** @internal An argument outside its range, as Node.js reports it. */
export function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}
