/**
 * The directory of the Go key-value store jerkeyray/walrus: sets and deletes, in files `wal-` and a number.
 *
 * Its files are replayed by number, not by name: `wal-10000` comes after `wal-9999`.
 */

import {
  decodeKvRecord,
  KV_RECORD_HEADER_SIZE,
  KV_RECORD_MAGIC,
  type KvRecord,
} from '@walrus/codec'
import type { Findings } from './findings.ts'
import { type Framing, framesOf } from './framed-file.ts'
import type { SourceDirectory } from './source-directory.ts'
import { SourceFile } from './source-file.ts'
import type { SourceEntry, SourcePlace } from './source.ts'

/** Bytes of operation, length of the key and length of the value, which stand behind a record's header. */
const FIXED_SIZE = 9
const SMALLEST = KV_RECORD_HEADER_SIZE + FIXED_SIZE

const RECORDS: Framing<KvRecord> = {
  name: 'record',
  head: SMALLEST,
  begins: (head) => viewOf(head).getUint32(0) === KV_RECORD_MAGIC && sizesOf(head)[0] >= SMALLEST,
  sizes: sizesOf,
  decode: (bytes) => decodeKvRecord(bytes).record,
}

function sizesOf(head: Uint8Array): [number, number] {
  const view = viewOf(head)
  const [length, keyLength, valueLength] = [4, 13, 17].map((at) => view.getUint32(at))
  return [KV_RECORD_HEADER_SIZE + length!, SMALLEST + keyLength! + valueLength!]
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * The changes of the store, in order.
 * @param from where to begin: behind what was read before
 */
export async function* readKvStore(
  { files }: SourceDirectory,
  from: SourcePlace | undefined,
  findings: Findings,
): AsyncGenerator<SourceEntry<KvRecord>> {
  const lastFile = files.at(-1)
  let expected = 1
  for (const { path, number } of files) {
    if (number !== expected) {
      findings.damaged(path, 0, 0, `file ${expected} is missing before it`)
    }
    expected = number + 1
    if (from !== undefined && number < from.file) continue
    await using file = await SourceFile.open(path)
    const start = number === from?.file ? from.offset : 0
    const isLast = number === lastFile?.number
    for await (const { value, next } of framesOf(file, start, RECORDS, isLast, findings)) {
      yield { record: value, place: { file: number, offset: next } }
    }
    await file.checkUnchanged()
  }
}
