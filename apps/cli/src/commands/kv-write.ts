/** `walrus kv set|delete`: one change, on disk when the command ends with 0. */
import { Kv } from '@walrus/kv'
import { EXIT_FAILURE } from '../errors.ts'
import { standardInput, wholeOf } from '../stdin.ts'
import type { KvOptions } from './kv-read.ts'

export interface SetOptions extends KvOptions {
  /** Milliseconds. */
  readonly ttl?: number
}

export async function set(
  key: string,
  value: string | undefined,
  options: SetOptions,
): Promise<number> {
  const { dir, stream, ttl } = options
  const given = value ?? (await wholeOf(standardInput().stream))
  await using kv = await Kv.open(dir, { stream })
  await kv.set(key, given, ttl === undefined ? {} : { ttlMs: ttl })
  return 0
}

export async function remove(keys: readonly string[], options: KvOptions): Promise<number> {
  const { dir, stream } = options
  await using kv = await Kv.open(dir, { stream })
  const there = keys.filter((key) => kv.has(key))
  await kv.batch(there.map((key) => ({ type: 'delete', key })))
  return there.length > 0 ? 0 : EXIT_FAILURE
}
