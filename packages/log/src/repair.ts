/**
 * Making a damaged log one that opens again, by leaving out what is damaged and all behind it. Nothing is deleted.
 */

import { WalrusError } from '@walrus/codec'
import { fd, type Storage } from '@walrus/segment'
import { Log } from './log.ts'
import { checkBoolean, checkNames } from './options.ts'
import type { SalvageReport } from './report.ts'
import { salvage } from './salvage.ts'

export interface RepairOptions {
  readonly storage?: Storage
  /** Only say what would be done. Default false. */
  readonly dryRun?: boolean
}

export interface RepairReport {
  /** What was damaged, and left out; `undefined` when the log is whole: then nothing was done. */
  readonly salvaged: SalvageReport | undefined
  /** Where the files are now that hold what was left out. */
  readonly quarantined: readonly string[]
}

/**
 * Reads all of a log. Where it is damaged, makes it end before that: what lies behind is moved, or copied where some of
 * its file stays, to the folder `quarantine` in the log's directory. A log that is whole is not touched.
 * @throws `WALRUS_NOT_FOUND` when there is no log; `WALRUS_LOCKED` while somebody writes to it; what is wrong with it
 *   (`WALRUS_CORRUPT`, `WALRUS_SEGMENT_MISSING`), when nothing before that could be kept; `WALRUS_INVALID_OPTION`
 */
export async function repair(dir: string, options: RepairOptions = {}): Promise<RepairReport> {
  checkNames('repair', options, ['storage', 'dryRun'])
  const { storage = fd(), dryRun = false } = options
  checkBoolean('dryRun', dryRun)
  const holder = await storage.locked(dir)
  if (holder !== undefined) {
    const message = `${dir} is being written by process ${holder.pid} on ${holder.host}; stop that first`
    throw new WalrusError('WALRUS_LOCKED', message, { file: dir })
  }
  const found = await salvage(storage, dir)
  if (found === undefined) {
    throw new WalrusError('WALRUS_NOT_FOUND', `there is no log in ${dir}`, { file: dir })
  }
  if (dryRun || found.salvaged === undefined) {
    return { salvaged: found.salvaged, quarantined: [] }
  }
  const log = await Log.open(dir, { storage, salvage: true })
  const { salvaged, quarantined } = log.recovery
  await log.close()
  return { salvaged, quarantined }
}
