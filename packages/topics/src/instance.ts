/**
 * Where an instance of topics keeps its log: the data directory, and in it a folder for each instance key.
 *
 * A key is data: whatever it says, its folder is directly in the data directory, and no two keys share one. A key of
 * letters, digits, `-`, `_` and `.` is its folder's name; of any other the folder's name has `~` and a hash.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { invalid } from './errors.ts'
import { show } from './checks.ts'

const DEFAULT_DIR = './walrus-data'
/** Names of files that a log in the data directory itself has or may have, as file systems compare them. */
const RESERVED = /^(tail|quarantine|lock.*|.*\.(seg|idx|new|tmp))$/i
/** Names that mean something else to some system. */
const SPECIAL = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$|\.$/i
const MADE_UP = /^ns_[0-9a-f]{16}$/
const MAX_FOLDER_CHARACTERS = 128

/**
 * The directory of the log.
 * @param dir given by the caller; then the environment variables count for nothing
 * @param key given by the caller
 */
export function logDirectory(
  dir: string | undefined,
  key: string | undefined,
  environment: NodeJS.ProcessEnv,
): string {
  if (dir !== undefined) return key === undefined ? dir : join(dir, folderOf(key))
  const { WALRUS_DATA_DIR: dataDir, WALRUS_INSTANCE_KEY: instanceKey } = environment
  const base = dataDir === undefined || dataDir === '' ? DEFAULT_DIR : dataDir
  const chosen = key ?? (instanceKey === '' ? undefined : instanceKey)
  return chosen === undefined ? base : join(base, folderOf(chosen))
}

/** The name of an instance key's folder. */
export function folderOf(key: string): string {
  if (typeof key !== 'string') throw invalid(`key must be a string, got ${show(key)}`)
  if (/\p{Surrogate}/u.test(key)) throw invalid('key must be well-formed Unicode')
  const cleaned = key.replace(/[^A-Za-z0-9._-]/gu, '_')
  if (/^_*$/.test(cleaned)) return `ns_${hashOf(key)}`
  const isFolder =
    cleaned === key &&
    key.length <= MAX_FOLDER_CHARACTERS &&
    ![RESERVED, SPECIAL, MADE_UP].some((names) => names.test(key))
  return isFolder ? key : `${cleaned.slice(0, MAX_FOLDER_CHARACTERS)}~${hashOf(key)}`
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}
