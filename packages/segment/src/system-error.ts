/** The operating system's errors, as the codes that the storage contract promises. */

import { WalrusError } from '@walrus/codec'

const CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'WALRUS_DISK_FULL',
  EDQUOT: 'WALRUS_DISK_FULL',
  ENOENT: 'WALRUS_NOT_FOUND',
  EEXIST: 'WALRUS_ALREADY_EXISTS',
  ENOTDIR: 'WALRUS_NOT_A_DIRECTORY',
  EACCES: 'WALRUS_PERMISSION_DENIED',
  EPERM: 'WALRUS_PERMISSION_DENIED',
  EROFS: 'WALRUS_PERMISSION_DENIED',
}

/** The system's short name of an error (`ENOENT`), or `undefined` for anything that is not from the system. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * Wraps what `node:fs` threw; an error that is one of Walrus already stays as it is.
 *
 * @param doing completes "cannot …": `write 512 bytes`
 */
export function systemError(
  cause: unknown,
  doing: string,
  file: string,
  offset?: number,
): WalrusError {
  if (cause instanceof WalrusError) return cause
  const code = CODES[errnoOf(cause) ?? ''] ?? 'WALRUS_IO'
  const place = offset === undefined ? file : `${file} at byte ${offset}`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new WalrusError(code, `cannot ${doing}: ${place}: ${reason}`, { cause, file, offset })
}

/** Awaits `work`; what it throws is wrapped as by {@link systemError}. */
export async function attempt<T>(doing: string, file: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw systemError(error, doing, file)
  }
}

/** Runs `work`; what it throws is wrapped as by {@link systemError}. */
export function attemptSync<T>(doing: string, file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw systemError(error, doing, file)
  }
}
