/**
 * Reads the packed files of the earlier systems; what is in them stands in `fixtures/README.md`.
 */

import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'

export interface GoLogFixture {
  readonly files: Readonly<Record<string, string>>
  readonly entries: readonly {
    readonly index: number
    readonly term: number
    readonly timestampNs: string
    readonly dataLength: number
    readonly dataSha256: string
    readonly transactionId: string
    readonly checksum: number
  }[]
}

export interface KvFixture {
  readonly files: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
}

export function readGoLogFixture(name: 'go-wal-binary' | 'go-wal-json'): GoLogFixture {
  return unpack(name) as GoLogFixture
}

export function readKvFixture(name: 'kv-wal' | 'kv-wal-reopened'): KvFixture {
  return unpack(name) as KvFixture
}

/** The bytes of each file, in the order of their names. */
export function fileBytes(fixture: GoLogFixture | KvFixture): Uint8Array[] {
  const names = Object.keys(fixture.files).sort()
  return names.map((name) => new Uint8Array(Buffer.from(fixture.files[name]!, 'base64')))
}

function unpack(name: string): unknown {
  const packed = readFileSync(new URL(`fixtures/${name}.json.br`, import.meta.url))
  return JSON.parse(brotliDecompressSync(packed).toString())
}
