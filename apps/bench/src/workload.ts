/** What every subject is given, so that all are given the same. */

import { frameBytes, GROUP_HEADER_BYTES } from '@walrus/segment'

/** Payload of every entry, in bytes. */
export const PAYLOAD_BYTES = 100

/** One payload, not all zeros: nothing measured here may profit from sparse pages. */
export const PAYLOAD: Uint8Array = Uint8Array.from(
  { length: PAYLOAD_BYTES },
  (_, i) => (i * 37 + 11) & 0xff,
)

/** Bytes that such an entry takes in a segment. */
export const FRAME_BYTES: number = frameBytes(PAYLOAD_BYTES)

/** Bytes of a commit group with one such entry: what a lone producer writes for each append. */
export const LONE_GROUP_BYTES: number = GROUP_HEADER_BYTES + FRAME_BYTES

/** How long a rate is measured in one run, and how long the same load runs before it counts. */
export const MEASURE_SECONDS = 1
export const WARMUP_SECONDS = 0.2

/** Entries of an unsynced burst: more than any cache on the way holds, less than makes the kernel throttle. */
export const BURST_ENTRIES = 4_000_000

/** Entries that are iterated over. */
export const SCAN_ENTRIES = 1_000_000
