/** Whether io_uring can be used here, and if not, what forbids it. */

import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { loadedBinding } from './binding.ts'
import { systemError } from './errors.ts'

/** What {@link supported} returns. */
export type Supported =
  | { readonly ok: true /** The running kernel's release. */; readonly kernel: string }
  | {
      readonly ok: false
      readonly code: 'WALRUS_NATIVE_MISSING' | 'WALRUS_URING_UNSUPPORTED'
      /** For people: what forbids it. */
      readonly reason: string
    }

/**
 * Tries to open a ring and closes it again, so the answer is that of this process, now. Never throws.
 * Needed are Linux 6.0 and a process that may use io_uring.
 */
export function supported(): Supported {
  const native = loadedBinding()
  if (typeof native === 'string')
    return { ok: false, code: 'WALRUS_NATIVE_MISSING', reason: native }
  const error = native.probe()
  if (error === 0) return { ok: true, kernel: release() }
  return { ok: false, code: 'WALRUS_URING_UNSUPPORTED', reason: refusal(error, disabled()) }
}

/** The sysctl's value; undefined on kernels that have none. */
function disabled(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim()
  } catch {
    return undefined
  }
}

/**
 * @internal
 * @param error number of the error that opening a ring failed with; -1: there is no libuv 1.x
 * @param sysctl value of kernel.io_uring_disabled
 */
export function refusal(error: number, sysctl: string | undefined): string {
  const { code, message } = error > 0 ? systemError(-error, 'io_uring_setup') : NO_LIBUV
  switch (code) {
    case 'ENOLIBUV':
      return message
    case 'ENOSYS':
      return `${message}: the kernel ${release()} was built without io_uring, or a seccomp filter hides it`
    case 'EINVAL':
      return `${message}: the kernel ${release()} is too old, Linux 6.0 is needed`
    case 'EPERM':
      if (sysctl === '2')
        return `${message}: the sysctl kernel.io_uring_disabled is 2, for everybody`
      if (sysctl === '1')
        return `${message}: the sysctl kernel.io_uring_disabled is 1, for all but CAP_SYS_ADMIN and the group kernel.io_uring_group`
      return `${message}: a seccomp filter or a security module forbids it, as containers do by default`
    case 'ENOMEM':
      return `${message}: too little memory, or RLIMIT_MEMLOCK is too low`
    default:
      return message
  }
}

const NO_LIBUV = {
  code: 'ENOLIBUV',
  message: 'this runtime has no event loop of libuv 1.x to wait in',
}
