/**
 * Copies of small pieces of bytes, for the caller to keep.
 *
 * An array of more than 64 bytes gets memory of its own from the engine, outside of its heap, which takes several
 * times as long as copying 100 bytes. So small copies share memory, as Node's own small buffers do, and are copied a
 * word at a time: making a view for `set` to copy from takes longer than that.
 */

const SLAB_BYTES = 0x2000
const MAX_SHARED_BYTES = 0x400

let slab = new ArrayBuffer(SLAB_BYTES)
let words = new Int32Array(slab)
let used = 0

/**
 * A copy of the bytes from `start` up to `end`.
 * @param fromWords the same memory in words, if `start` is a multiple of 4 and as many bytes as words hold can be read
 */
export function copyOf(
  from: Uint8Array,
  fromWords: Int32Array | undefined,
  start: number,
  end: number,
): Uint8Array {
  const length = end - start
  if (fromWords === undefined || length > MAX_SHARED_BYTES) return from.slice(start, end)
  const size = (length + 3) & ~3
  if (used + size > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    words = new Int32Array(slab)
    used = 0
  }
  const target = words
  let to = used >>> 2
  const last = (start + size) >>> 2
  for (let at = start >>> 2; at < last; at++) target[to++] = fromWords[at]!
  const copy = new Uint8Array(slab, used, length)
  used += size
  return copy
}
