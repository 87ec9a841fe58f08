/**
 * What is left behind the place where a segment's groups end: the evidence that tells a torn tail from rot
 * (docs/format.md, "Recovery"). Memory is a chunk, or one group where that is larger.
 */

import {
  GROUP_HEADER_BYTES,
  GROUP_MAGIC,
  type GroupHeader,
  isGroupWhole,
  readGroupHeader,
} from './group.ts'
import type { StorageFile } from './storage.ts'
import { CHUNK_BYTES, windowOf } from './window.ts'

/** What stands behind the place where a segment's groups end. */
export interface Remainder {
  /** Offset of the first byte that is not zero, or up to 3 less; `undefined` when all are zero. */
  readonly firstByte: number | undefined
  /** Offset behind the last byte that is not zero, or up to 3 more. */
  readonly lastByte: number
  /** The highest synced mark in any group header that passes its check; 0 without one. */
  readonly mark: number
  /** The whole groups, in file order: where they stand, and in which boot they were written. */
  readonly groups: readonly { readonly offset: number; readonly header: GroupHeader }[]
}

/** Stop looking for more whole groups after this many: one is evidence enough. */
const ENOUGH_GROUPS = 16

/** Looks at every byte from `from` to `to` for what can still be read there. Groups begin on multiples of 4. */
export async function searchRemainder(
  file: StorageFile,
  from: number,
  to: number,
  seed: number,
): Promise<Remainder> {
  let firstByte: number | undefined
  let lastByte = from
  let mark = 0
  const groups: { offset: number; header: GroupHeader }[] = []
  // Groups do not overlap, unless one's entries hold copies of others: headers that say otherwise are made up.
  let toCheck = 2 * (to - from)
  const chunk = Math.min(CHUNK_BYTES, Math.ceil((to - from) / 4) * 4)
  const window = windowOf(chunk + GROUP_HEADER_BYTES)
  for (let offset = from; offset < to; offset += chunk) {
    const read = await file.read(
      window.bytes.subarray(0, Math.min(window.bytes.length, to - offset)),
      offset,
    )
    window.bytes.fill(0, read)
    for (let word = 0; word < chunk / 4; word++) {
      if (window.words[word] === 0) continue
      const at = word * 4
      firstByte ??= offset + at
      lastByte = Math.min(offset + at + 4, to)
      if (window.words[word] !== GROUP_MAGIC) continue
      const header = readGroupHeader(window.words, at, to - offset - at, seed)
      if (header === undefined) continue
      mark = Math.max(mark, header.mark)
      if (groups.length >= ENOUGH_GROUPS || header.size > toCheck) continue
      toCheck -= header.size
      const group = windowOf(header.size)
      const length = await file.read(group.bytes, offset + at)
      if (length === header.size && isGroupWhole(group.bytes, group.words, 0, header, seed)) {
        groups.push({ offset: offset + at, header })
      }
    }
  }
  return { firstByte, lastByte, mark, groups }
}
