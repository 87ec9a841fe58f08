/** Looks at a log that nobody has open, in every way it can be opened, and judges what it holds. */

import { Log, type LogOptions, type RecoveryReport, verify } from '@walrus/log'
import { type Contents, contentsOf, sameContents } from './contents.ts'
import type { Oracle } from './oracle.ts'
import type { Storage } from './storages.ts'

export interface Checked {
  /** What is wrong, in words. */
  readonly found: readonly string[]
  /** What recovering found, where it was asked for. */
  readonly recovery: RecoveryReport | undefined
}

/**
 * Reads it, verifies it, and with `recover` also opens it for writing, closes it and opens it again. Then the oracle
 * has taken note of what is there.
 */
export async function checkLog(
  dir: string,
  options: LogOptions & { readonly storage: Storage },
  oracle: Oracle,
  recover: boolean,
): Promise<Checked> {
  const found: string[] = []
  let recovery: RecoveryReport | undefined
  try {
    const seen = await readAlone(dir, options.storage)
    found.push(...oracle.check(seen))
    oracle.settle(seen)
    await verified(dir, options.storage, found)
    if (recover) {
      const first = await opened(dir, options)
      recovery = first.recovery
      if (!sameContents(seen, first.contents)) {
        found.push('the next writer recovered something else than a reader saw before it')
      }
      const second = await opened(dir, options)
      if (!second.recovery.clean) found.push('it was closed, and did not open as closed')
      if (!sameContents(first.contents, second.contents)) {
        found.push('opening it a second time changed what it holds')
      }
      await verified(dir, options.storage, found)
    }
  } catch (error) {
    found.push(`looking at it failed: ${String(error)}`)
  }
  return { found, recovery }
}

async function opened(
  dir: string,
  options: LogOptions,
): Promise<{ contents: Contents; recovery: RecoveryReport }> {
  const log = await Log.open(dir, options)
  try {
    return { contents: await contentsOf(log), recovery: log.recovery }
  } finally {
    await log.close()
  }
}

/** What a reader sees with no writer there; nothing where the log was not made yet. */
export async function readAlone(dir: string, storage: Storage): Promise<Contents> {
  let log: Log
  try {
    log = await Log.open(dir, { storage, readOnly: true })
  } catch (error) {
    if (isNotFound(error)) return new Map()
    throw error
  }
  try {
    return await contentsOf(log)
  } finally {
    await log.close()
  }
}

async function verified(dir: string, storage: Storage, found: string[]): Promise<void> {
  try {
    const { damage } = await verify(dir, { storage })
    for (const { file, message } of damage.slice(0, 3)) found.push(`verify: ${file}: ${message}`)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'WALRUS_NOT_FOUND'
}
