/**
 * A directory of one of the earlier systems: which of them wrote it, and its files in the order they were written.
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { unreadable } from './source-file.ts'

/** The system that wrote a directory: the Go log, the Rust topic log, the Go key-value store. */
export type SourceFormat = 'go' | 'rust' | 'kv'

/** A file whose name says its place among the others. */
export interface NumberedFile {
  readonly path: string
  readonly number: number
}

/** How each names its files, and what else it writes. */
const NAMES: Record<SourceFormat, RegExp> = {
  go: /^segment_(\d{20})\.wal$/,
  rust: /^(\d{13,16})$/,
  kv: /^wal-(\d{4,15})\.log$/,
}

const SYSTEMS: Record<SourceFormat, string> = {
  go: 'the Go log (segment_*.wal)',
  rust: 'the Rust topic log (files named by a time)',
  kv: 'the Go key-value store (wal-*.log)',
}

/** A directory, and what of it is a source. */
export interface SourceDirectory {
  readonly dir: string
  readonly format: SourceFormat
  /** In the order of their numbers, however many digits those have. */
  readonly files: readonly NumberedFile[]
}

/**
 * Looks what a directory holds, and finds its files.
 * @param wanted the system it must be of; found out when not given
 * @throws `WALRUS_NOT_A_SOURCE` when it is of none, of another, or of several of them; `WALRUS_NOT_FOUND`,
 *   `WALRUS_NOT_A_DIRECTORY`, `WALRUS_IO`
 */
export async function lookInto(dir: string, wanted?: SourceFormat): Promise<SourceDirectory> {
  const names = await namesIn(dir)
  const found = (Object.keys(NAMES) as SourceFormat[]).filter((format) =>
    names.some((name) => NAMES[format].test(name)),
  )
  const [format] = found
  if (format === undefined) throw notASource(dir, await hintFor(dir, names))
  if (found.length > 1) {
    const systems = found.map((each) => SYSTEMS[each]).join(' and ')
    throw notASource(dir, `it has files of ${systems}: put them into folders of their own`)
  }
  if (wanted !== undefined && wanted !== format) {
    throw notASource(dir, `it was written by ${SYSTEMS[format]}, not by ${SYSTEMS[wanted]}`)
  }
  const files = names.flatMap((name) => {
    const number = NAMES[format].exec(name)?.[1]
    return number === undefined ? [] : [{ path: join(dir, name), number: Number(number) }]
  })
  files.sort((a, b) => a.number - b.number)
  const same = files.find(({ number }, at) => files[at + 1]?.number === number)
  if (same !== undefined) {
    throw notASource(
      dir,
      `two of its files have the number ${same.number}, so their order is not known`,
    )
  }
  return { dir, format, files }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new WalrusError('WALRUS_NOT_FOUND', `there is no directory ${dir}`, {
        cause,
        file: dir,
      })
    }
    if (code === 'ENOTDIR') {
      throw new WalrusError('WALRUS_NOT_A_DIRECTORY', `${dir} is no directory`, {
        cause,
        file: dir,
      })
    }
    throw unreadable(dir, cause)
  }
}

/** What to say of a directory that none of the systems wrote. */
async function hintFor(dir: string, names: readonly string[]): Promise<string> {
  if (names.length === 0) return 'it is empty'
  if (names.includes('TAIL') && names.some((name) => name.endsWith('.seg'))) {
    return 'it is a log of Walrus already: open it as it is'
  }
  for (const name of names.slice(0, 100)) {
    const below = join(dir, name)
    const inside = await namesIn(below).catch(() => [])
    const matches = Object.values(NAMES).some((pattern) =>
      inside.some((each) => pattern.test(each)),
    )
    if (matches) return `but ${below} looks like one: an instance is a folder of its own`
  }
  const systems = Object.values(SYSTEMS).join(', ')
  return `none of its ${names.length} files is one of ${systems}`
}

function notASource(dir: string, why: string): WalrusError {
  return new WalrusError('WALRUS_NOT_A_SOURCE', `${dir} cannot be imported: ${why}`, { file: dir })
}
