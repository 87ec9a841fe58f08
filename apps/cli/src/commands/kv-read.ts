/**
 * `walrus kv get|has|keys|len|scan`: the store is opened read-only, so these work beside a running writer and after a
 * killed one, and change nothing.
 */
import { WalrusError } from '@walrus/codec'
import { Kv, type ScanOptions } from '@walrus/kv'
import { EXIT_FAILURE } from '../errors.ts'
import { escapeBytes, escapeJson } from '../escape.ts'
import { pairToJson } from '../kv-json.ts'
import { Output, print } from '../output.ts'

type Bytes = Uint8Array
type Store = Kv<Bytes, Bytes>

export interface KvOptions {
  readonly dir: string
  readonly stream: string
}

export interface ListOptions extends KvOptions {
  readonly prefix?: string
  readonly gte?: string
  readonly lt?: string
  readonly limit?: number
  readonly reverse?: true
  readonly json?: true
  readonly delimiter: Buffer
}

export async function get(
  key: string,
  options: KvOptions & { readonly raw?: true },
): Promise<number> {
  return await reading(options, async (kv) => {
    const value = await kv.get(key)
    if (value === undefined) {
      throw new WalrusError('WALRUS_KEY_NOT_FOUND', `there is no key ${JSON.stringify(key)}`)
    }
    const output = new Output(() => {})
    put(output, value)
    if (!options.raw) output.putText('\n')
    await output.flush()
    return 0
  })
}

export async function has(key: string, options: KvOptions): Promise<number> {
  return await reading(options, async (kv) => {
    const isThere = kv.has(key)
    await print(`${isThere}\n`)
    return isThere ? 0 : EXIT_FAILURE
  })
}

export async function len(options: KvOptions): Promise<number> {
  return await reading(options, async (kv) => {
    await print(`${kv.size}\n`)
    return 0
  })
}

export async function keys(options: ListOptions): Promise<number> {
  return await reading(options, async (kv) => {
    await write(options, async function* () {
      for (const key of kv.keys(rangeOf(options))) yield [key, undefined]
    })
    return 0
  })
}

export async function scan(options: ListOptions): Promise<number> {
  return await reading(options, async (kv) => {
    await write(options, () => kv.entries(rangeOf(options)))
    return 0
  })
}

async function write(
  { json, delimiter }: ListOptions,
  pairs: () => AsyncIterable<[Bytes, Bytes | undefined]>,
): Promise<void> {
  const output = new Output(() => {})
  const { isTerminal } = output
  for await (const [key, value] of pairs()) {
    if (json) {
      const line = pairToJson(key, value)
      output.putText(`${isTerminal ? escapeJson(line) : line}\n`)
    } else {
      put(output, key)
      if (value !== undefined) {
        output.putText('\t')
        put(output, value)
      }
      output.put(delimiter)
    }
    if (output.full) await output.flush()
    if (output.closed) return
  }
  await output.flush()
}

function put(output: Output, bytes: Bytes): void {
  if (output.isTerminal) output.putText(escapeBytes(bytes))
  else output.put(bytes)
}

function rangeOf({ prefix, gte, lt, limit, reverse }: ListOptions): ScanOptions {
  return {
    ...(prefix === undefined ? {} : { prefix }),
    ...(gte === undefined ? {} : { gte }),
    ...(lt === undefined ? {} : { lt }),
    ...(limit === undefined ? {} : { limit }),
    reverse: reverse === true,
  }
}

async function reading(
  { dir, stream }: KvOptions,
  run: (kv: Store) => Promise<number>,
): Promise<number> {
  const options = { readOnly: true, stream, keyEncoding: 'bytes', valueEncoding: 'bytes' } as const
  await using kv = await Kv.open(dir, options)
  return await run(kv)
}
