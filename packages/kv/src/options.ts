/** The options of a store: their ranges, their defaults, and what is said of a wrong one. */

import type { LogOptions } from '@walrus/log'
import { type Environment, fd } from '@walrus/segment'
import {
  type KeyEncodings,
  KEY_DECODERS,
  VALUE_ENCODINGS,
  type ValueEncodings,
} from './encoding.ts'
import { invalid } from './errors.ts'

export interface KvOptions<
  KE extends keyof KeyEncodings = keyof KeyEncodings,
  VE extends keyof ValueEncodings = keyof ValueEncodings,
> {
  /** The stream of the log that it is in. Default `'kv'`. */
  readonly stream?: string
  /** What keys come back as. Default `'utf8'`. */
  readonly keyEncoding?: KE
  /** What values come back as. Default `'utf8'`. */
  readonly valueEncoding?: VE
  /** How many bytes of small values (up to 4 KiB) are kept in memory: 0 to 8 GiB, default 32 MiB. */
  readonly cacheBytes?: number
  /** Where time comes from, for keys that expire. Default: where the log's files are, or the system. */
  readonly env?: Pick<Environment, 'now' | 'after'>
}

/** Options of a store with a log of its own. */
export interface OwnLogOptions<
  KE extends keyof KeyEncodings = keyof KeyEncodings,
  VE extends keyof ValueEncodings = keyof ValueEncodings,
> extends KvOptions<KE, VE>,
    LogOptions {}

export interface ResolvedOptions {
  readonly stream: string
  readonly keyEncoding: keyof KeyEncodings
  readonly valueEncoding: keyof ValueEncodings
  readonly cacheBytes: number
  readonly env: Pick<Environment, 'now' | 'after'>
}

const NAMES = ['stream', 'keyEncoding', 'valueEncoding', 'cacheBytes', 'env']

/** The options of `Kv.open` on a log that is open. */
export function resolveOptions(options: KvOptions): ResolvedOptions {
  checkNames('Kv.open', options, NAMES)
  const { stream = 'kv', keyEncoding = 'utf8', valueEncoding = 'utf8' } = options
  const { cacheBytes = 32 * 2 ** 20, env = fd().env } = options
  checkOneOf('keyEncoding', keyEncoding, Object.keys(KEY_DECODERS))
  checkOneOf('valueEncoding', valueEncoding, Object.keys(VALUE_ENCODINGS))
  checkInteger('cacheBytes', cacheBytes, 0, 8 * 2 ** 30)
  if (typeof env?.now !== 'function' || typeof env.after !== 'function') {
    throw invalid(`env must have the functions now and after, got ${show(env)}`)
  }
  return { stream, keyEncoding, valueEncoding, cacheBytes, env }
}

/** Options of a store with a log of its own: the store's, and the log's, which the log checks. */
export function splitOptions(options: OwnLogOptions): { own: KvOptions; log: LogOptions } {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`Kv.open: options must be an object, got ${show(options)}`)
  }
  const all = Object.entries(options)
  const own = Object.fromEntries(all.filter(([name]) => NAMES.includes(name)))
  const log = Object.fromEntries(all.filter(([name]) => !NAMES.includes(name))) as LogOptions
  const { storage } = log
  return { own: storage?.env === undefined ? own : { env: storage.env, ...own }, log }
}

/** A value as a message names it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Refuses an options object that is none, or has a property not among `names`. */
export function checkNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`${what}: options must be an object, got ${show(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw invalid(`${what} has no option ${JSON.stringify(name)}; it has ${names.join(', ')}`)
  }
}

export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number
  }
  throw invalid(`${name} must be an integer from ${least} to ${most}, got ${show(value)}`)
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, got ${show(value)}`)
}

function checkOneOf(name: string, value: unknown, names: readonly string[]): void {
  if (names.includes(value as string)) return
  throw invalid(`${name} must be one of ${names.join(', ')}, got ${show(value)}`)
}
