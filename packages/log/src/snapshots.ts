/**
 * The snapshots of one view: found, read, and written anew (docs/format.md, "Snapshots of views").
 *
 * Rows go into the log in commits of about 1 MiB, each waited for, so that a snapshot may be larger than memory. One
 * that was cut short has no end entry and is passed over. Invariant: the newest complete one is dropped only behind
 * the end of the one after it.
 */

import type { Access } from './access.ts'
import { Addition } from './addition.ts'
import type { LogEntry } from './entry.ts'
import { corrupt, hasCode } from './errors.ts'
import { checkSize, toBytes } from './input.ts'
import { entryRoom } from './entry-format.ts'
import type { NewEntry } from './new-entry.ts'
import { gone } from './reader.ts'
import {
  decodeSnapshotEntry,
  encodeEnd,
  encodeRow,
  type SnapshotEntry,
  SnapshotKind,
  snapshotsOf,
} from './snapshot-format.ts'
import type { Stream } from './stream.ts'

/** Rows of about this size go into one commit. */
const COMMIT_BYTES = 0x10_0000

/** A snapshot that is complete. */
export interface Snapshot {
  /** Position of its first row, and of its end, among the snapshots. */
  readonly begin: number
  readonly end: number
  /** Position of the view's stream up to which it speaks. */
  readonly covers: number
}

export class Snapshots {
  readonly #access: Access
  readonly #of: string
  readonly #stream: Stream

  /** @param of the view's stream */
  constructor(access: Access, of: string) {
    this.#access = access
    this.#of = of
    this.#stream = access.stream(snapshotsOf(of))
  }

  /**
   * The newest complete one; none also where a policy has let its first rows go.
   * @throws `WALRUS_CORRUPT`; `WALRUS_TRUNCATED_AWAY` when another process replaces it meanwhile
   */
  async newest(): Promise<Snapshot | undefined> {
    const stream = this.#stream
    for (let at = stream.next - 1; at >= stream.first; ) {
      const entry = await stream.get(at)
      const { kind, rowsBefore, covers } = this.#decode(entry)
      const begin = at - rowsBefore
      if (begin < 0)
        throw this.#corrupt(
          at,
          'an entry says that it is of a snapshot that begins before there was any',
        )
      if (kind === SnapshotKind.end) {
        if (covers > this.#access.stream(this.#of).next) {
          throw this.#corrupt(
            at,
            `a snapshot speaks of ${covers} entries, which are more than there are,`,
          )
        }
        return begin < stream.first ? undefined : { begin, end: at, covers }
      }
      // It was cut short: before its first row the one before it ends.
      at = begin - 1
    }
    return undefined
  }

  /**
   * Its rows, in order.
   * @throws as `newest`
   */
  async *rows({ begin, end }: Snapshot): AsyncGenerator<Uint8Array, void> {
    const stream = this.#stream
    if (begin < stream.first) throw gone(this.#access.catalog.find(stream.name)!, begin)
    let at = begin
    for await (const entry of begin < end ? stream.entries({ from: begin, to: end - 1 }) : []) {
      const { kind, rowsBefore, data } = this.#decode(entry)
      if (kind !== SnapshotKind.row || entry.index !== at || rowsBefore !== at - begin) {
        throw this.#corrupt(entry.index, `row ${at - begin} of a snapshot does not stand`)
      }
      at++
      yield data
    }
  }

  /**
   * The newest complete one, and its rows in memory: all are there before the first is used, because another process
   * may replace it meanwhile.
   */
  async newestInMemory(): Promise<{ snapshot: Snapshot; rows: Uint8Array[] } | undefined> {
    for (;;) {
      try {
        const snapshot = await this.newest()
        if (snapshot === undefined) return undefined
        const rows: Uint8Array[] = []
        for await (const row of this.rows(snapshot)) rows.push(row)
        // Replaced since, it may be behind what is left of the view's stream.
        if (snapshot.begin >= this.#stream.first) return { snapshot, rows }
      } catch (error) {
        if (!hasCode(error, 'WALRUS_TRUNCATED_AWAY')) throw error
      }
    }
  }

  /**
   * Writes one that speaks of the view's stream up to `covers`, and drops those before it. Its first commit is
   * sequenced before this returns, behind everything it speaks of: a full disk takes back none of that without it.
   */
  async write(rows: Iterable<Uint8Array>, covers: number): Promise<Snapshot> {
    const { bufferBytes, maxEntryBytes, format } = this.#access.options
    const most = Math.min(COMMIT_BYTES, bufferBytes)
    let entries: NewEntry[] = []
    let bytes = 0
    let count = 0
    for (const row of rows) {
      const entry: NewEntry = { bytes: encodeRow(count, toBytes(row)), attributes: undefined }
      checkSize(entry.bytes.length, maxEntryBytes)
      const room = entryRoom(entry, format)
      if (bytes > 0 && bytes + room > most) {
        await this.#commit(entries)
        entries = []
        bytes = 0
      }
      entries.push(entry)
      bytes += room
      count++
    }
    entries.push({ bytes: encodeEnd(count, covers), attributes: undefined })
    const end = (await this.#commit(entries)) + entries.length - 1
    const begin = end - count
    // In its place behind the end entry: it is never there without that.
    await this.#stream.truncateFront(begin)
    return { begin, end, covers }
  }

  async #commit(entries: readonly NewEntry[]): Promise<number> {
    const { catalog, options } = this.#access
    const writer = this.#access.writer()
    return await writer.commit(
      new Addition(catalog.named(this.#stream.name), entries, options.format),
    )
  }

  #decode({ index, data }: LogEntry): SnapshotEntry {
    const entry = decodeSnapshotEntry(data)
    if (entry !== undefined) return entry
    throw this.#corrupt(index, 'an entry that is no part of a snapshot stands among them')
  }

  #corrupt(position: number, what: string): Error {
    const stream = this.#access.catalog.find(this.#stream.name)!
    const { file, offset } = this.#access.reader().placeOf(stream, position)
    return corrupt(file, offset, `the view over ${JSON.stringify(this.#of)}: ${what}`, position)
  }
}
