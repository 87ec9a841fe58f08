/** Puts the packed directories of the earlier systems back on the disk; `fixtures/README.md` says what they are. */

import { createHash } from 'node:crypto'
import {
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  closeSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

interface Sparse {
  readonly size: number
  readonly parts: readonly [number, string][]
}

export interface GoExpected {
  readonly index: number
  readonly term: number
  readonly timestampNs: string
  readonly dataLength: number
  readonly dataSha256: string
  readonly transactionId: string
  readonly checksum: number
}

export interface RustExpected {
  readonly topics: Readonly<
    Record<
      string,
      readonly { readonly length: number; readonly sha256?: string; readonly fnv1a64?: string }[]
    >
  >
  readonly consumed: Readonly<Record<string, number>>
}

interface Packed {
  readonly files: Readonly<Record<string, string | Sparse>>
  readonly entries?: readonly GoExpected[]
  readonly state?: Readonly<Record<string, string>>
  readonly expected?: RustExpected
}

export type FixtureName =
  | 'go-wal-binary'
  | 'go-wal-json'
  | 'kv-wal'
  | 'kv-wal-reopened'
  | 'rust-walrus'
  | 'rust-walrus-blocks'

/** Writes the files of a directory into `dir`, and returns what the old program read back from them. */
export function unpack(name: FixtureName, dir: string): Packed {
  const packed = readFileSync(new URL(`fixtures/${name}.json.br`, import.meta.url))
  const content = JSON.parse(brotliDecompressSync(packed).toString()) as Packed
  mkdirSync(dir, { recursive: true })
  for (const [file, bytes] of Object.entries(content.files)) {
    const path = join(dir, file)
    if (typeof bytes === 'string') writeFileSync(path, Buffer.from(bytes, 'base64'))
    else writeSparse(path, bytes)
  }
  return content
}

function writeSparse(path: string, { size, parts }: Sparse): void {
  const file = openSync(path, 'w')
  ftruncateSync(file, size)
  for (const [at, base64] of parts) {
    const bytes = Buffer.from(base64, 'base64')
    writeSync(file, bytes, 0, bytes.length, at)
  }
  closeSync(file)
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
