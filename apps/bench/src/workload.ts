/** What every subject is given, so that all are given the same. */

import { frameBytes, GROUP_HEADER_BYTES } from '@walrus/segment'

/** Payload of an entry, in bytes, unless a path says otherwise. */
export const PAYLOAD_BYTES = 100

/** The same for the paths with larger entries. */
export const LARGE_PAYLOAD_BYTES = 1024

export const PAYLOAD: Uint8Array = payload(PAYLOAD_BYTES)
export const LARGE_PAYLOAD: Uint8Array = payload(LARGE_PAYLOAD_BYTES)

/** Not all zeros: nothing measured here may profit from sparse pages. */
function payload(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 37 + 11) & 0xff)
}

/** Bytes that an entry takes in a segment. */
export const FRAME_BYTES: number = frameBytes(PAYLOAD_BYTES)

/** Bytes of a commit group with one such entry: what a lone producer writes for each append. */
export const LONE_GROUP_BYTES: number = GROUP_HEADER_BYTES + FRAME_BYTES

/** How long a rate is measured in one run, and how long the same load runs before it counts. */
export const MEASURE_SECONDS = 1
export const WARMUP_SECONDS = 0.2

/** Entries of an unsynced burst: more than any cache on the way holds, less than makes the kernel throttle. */
export const BURST_ENTRIES = 4_000_000

/** Entries of each stream, where there are several. */
export const STREAM_ENTRIES = 1000

/** Entries that are iterated over. */
export const SCAN_ENTRIES = 1_000_000

/** Payload bytes that recovery's scan is given: more than caches hold. */
export const INDEXED_SCAN_BYTES: number = 512 << 20

/** Entries among which a random one is looked up. */
export const LOOKUP_ENTRIES = 10_000_000

/** What the person who measures may change. */
export interface Sizes {
  /** Payload bytes that are written before the one sync; a multiple of 1 MiB. */
  readonly bulkBytes: number
}
