/**
 * Locks of whole files, kept by the kernel. A lock belongs to the open file: it ends with
 * {@link unlock}, or when the last descriptor of that open file is closed, so also when the process
 * ends however it ends. A second `open` of the same file conflicts, in the same process too.
 *
 * They are advisory: they keep out who asks for them, not who writes without.
 */

import { binding } from './binding.ts'
import { FileLockedError, invalidType, outOfRange } from './errors.ts'
import { findHolder } from './lock-holder.ts'

export interface LockOptions {
  /** Keep everyone else out (the default), or only those who want to: several may share. */
  readonly exclusive?: boolean
  /**
   * Milliseconds to wait for a lock that is held, up to a minute; 0 by default. The thread does
   * nothing else meanwhile.
   */
  readonly waitMs?: number
}

const LONGEST_WAIT_MS = 60_000
const RETRY_MS = 5

/**
 * Locks an open file. Locking again changes the lock from exclusive to shared or back.
 *
 * @param fd open for writing if exclusive, for reading if shared
 * @throws {FileLockedError} `EAGAIN` when another open file holds it, with the process that does;
 *   `EBADF` when `fd` is not open for that, `ENOLCK`, `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export function lock(fd: number, options: LockOptions = {}): void {
  const { exclusive, waitMs } = checked(options)
  const native = binding()
  const deadline = performance.now() + waitMs
  for (;;) {
    const holder = native.lock(fd, exclusive)
    if (holder < 0) return
    const left = deadline - performance.now()
    if (left <= 0) throw new FileLockedError(holder > 0 ? holder : findHolder(fd))
    sleep(Math.min(left, RETRY_MS))
  }
}

/**
 * Lets go of the lock of an open file, if there is one.
 *
 * @throws `EBADF`, `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
 */
export function unlock(fd: number): void {
  binding().unlock(fd)
}

function checked(options: LockOptions): Required<LockOptions> {
  if (typeof options !== 'object' || options === null) {
    throw invalidType('lock: options must be an object')
  }
  const { exclusive = true, waitMs = 0, ...others } = options
  const [other] = Object.keys(others)
  if (other !== undefined) throw outOfRange(`lock: there is no option ${other}`)
  if (typeof exclusive !== 'boolean') throw invalidType('lock: exclusive must be true or false')
  if (typeof waitMs !== 'number') throw invalidType('lock: waitMs must be a number')
  if (!(waitMs >= 0 && waitMs <= LONGEST_WAIT_MS)) {
    throw outOfRange(`lock: waitMs must be from 0 to ${LONGEST_WAIT_MS}, not ${waitMs}`)
  }
  return { exclusive, waitMs }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
