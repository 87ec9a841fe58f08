/**
 * The bytes of an entry, made from its seed and serial numbers, so that whoever knows these can tell whether an entry
 * is what was appended, byte for byte. They are cut from one pool at a place of their own; entries of 16 bytes and
 * more begin with their numbers, to name what stands in the wrong place.
 */

import { randomFrom } from './random.ts'

/** The largest entry, in bytes. */
export const MOST_BYTES: number = 200 * 1024

const PLACES = 0x1_0000
const HEAD_BYTES = 16
const POOL = makePool()

/** Which entry: of which life of the log, of which call in it, the how manieth of that call. */
export interface EntryId {
  readonly life: number
  readonly unit: number
  readonly at: number
  readonly size: number
}

function makePool(): Buffer {
  const random = randomFrom(0x3a11)
  const words = Uint32Array.from({ length: (PLACES + MOST_BYTES) / 4 }, () => random() * 2 ** 32)
  return Buffer.from(words.buffer)
}

function placeOf(seed: number, { life, unit, at, size }: EntryId): number {
  return Math.floor(randomFrom(seed, life, unit, at, size)() * PLACES)
}

export function payloadOf(seed: number, id: EntryId): Buffer {
  const place = placeOf(seed, id)
  const bytes = Buffer.from(POOL.subarray(place, place + id.size))
  if (id.size >= HEAD_BYTES) headOf(seed, id).copy(bytes)
  return bytes
}

function headOf(seed: number, { life, unit, at }: EntryId): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32LE(seed, 0)
  head.writeUInt32LE(life, 4)
  head.writeUInt32LE(unit, 8)
  head.writeUInt32LE(at, 12)
  return head
}

export function isPayloadOf(seed: number, id: EntryId, data: Uint8Array): boolean {
  if (data.length !== id.size) return false
  const place = placeOf(seed, id)
  const head = id.size >= HEAD_BYTES ? HEAD_BYTES : 0
  return (
    POOL.subarray(place + head, place + id.size).equals(data.subarray(head)) &&
    (head === 0 || headOf(seed, id).equals(data.subarray(0, head)))
  )
}

export function nameOf({ life, unit, at, size }: EntryId): string {
  return `entry ${life}.${unit}.${at} (${size} bytes)`
}

/** What some bytes are, in words. */
export function describePayload(seed: number, data: Uint8Array): string {
  const { length } = data
  if (length < HEAD_BYTES) return `${length} bytes`
  const view = new DataView(data.buffer, data.byteOffset, length)
  const [from, life, unit, at] = [0, 4, 8, 12].map((place) => view.getUint32(place, true))
  if (from !== seed) return `${length} bytes of nobody`
  const id = { life: life!, unit: unit!, at: at!, size: length }
  return isPayloadOf(seed, id, data) ? nameOf(id) : `${nameOf(id)}, changed`
}
