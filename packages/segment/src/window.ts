/** Stretches of a segment in memory, as scans read them: one after the other, some ahead of the one looked at. */

import type { StorageFile } from './storage.ts'

/** Bytes read in one go. */
export const CHUNK_BYTES = 0x10_0000

/** So many chunks are under way at once: with one, whoever reads it is woken up too late (measured; maps, 1.3 times). */
const AHEAD = 2

/** Bytes of a file in memory, word-aligned: `bytes[from]` stands at file offset `offset`. */
export interface Window {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  from: number
  to: number
  offset: number
  /** Whether the file, or what is wanted of it, ends at `to`. */
  last: boolean
}

/** What of a file is wanted. */
export interface Stretch {
  readonly file: StorageFile
  readonly from: number
  readonly to: number
}

export function windowOf(length: number): Window {
  const buffer = new ArrayBuffer((length + 3) & ~3)
  const bytes = new Uint8Array(buffer)
  return { bytes, words: new Int32Array(buffer), from: 0, to: 0, offset: 0, last: false }
}

/** How much to read in one go: a follower's scans are often of a few bytes. */
export function chunkOf({ from, to }: Stretch): number {
  return Math.min(CHUNK_BYTES, Math.max(0, Math.ceil((to - from) / 4) * 4))
}

/** The room that a window has before a chunk, for what the one before it could not finish; none before the only one. */
export function roomOf({ from, to }: Stretch, chunk: number): number {
  return to - from <= chunk ? 0 : chunk
}

/** Reads windows one after the other. The one handed out last stays as it is until the next call. */
export class ReadAhead {
  readonly #file: StorageFile
  readonly #to: number
  readonly #chunk: number
  readonly #room: number
  /** Used in turn. */
  readonly #windows: Window[] = []
  #turn = 0
  /** Where the next chunk to be read begins. */
  #offset = 0
  #current: Window | undefined
  #ahead: Promise<Window>[] = []

  constructor(stretch: Stretch) {
    this.#file = stretch.file
    this.#to = stretch.to
    this.#chunk = chunkOf(stretch)
    this.#room = roomOf(stretch, this.#chunk)
  }

  /** The window that begins at an offset. */
  async begin(offset: number): Promise<Window> {
    await this.end()
    this.#offset = offset
    this.#load()
    const first = await this.#ahead.shift()!
    this.#loadAhead()
    this.#current = first
    return first
  }

  /** The next window, with what the last one has from `at` on before it; `undefined` when there is no room for that. */
  async next(at: number): Promise<Window | undefined> {
    const before = this.#current!
    const left = before.to - at
    if (left > this.#room) return undefined
    const window = await this.#ahead.shift()!
    window.bytes.set(before.bytes.subarray(at, before.to), this.#room - left)
    window.from -= left
    window.offset -= left
    // Its memory is free now.
    this.#loadAhead()
    this.#current = window
    return window
  }

  /** Resolves when nothing is being read any more; how that ends is of no interest. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#ahead.splice(0))
  }

  #loadAhead(): void {
    while (this.#ahead.length < AHEAD && this.#offset < this.#to) this.#load()
  }

  #load(): void {
    const number = this.#turn++ % (AHEAD + 1)
    const window = (this.#windows[number] ??= windowOf(this.#room + this.#chunk))
    const loading = this.#read(window, this.#offset)
    // It is thrown when its turn comes, if it does.
    loading.catch(() => {})
    this.#ahead.push(loading)
    this.#offset += this.#chunk
  }

  async #read(window: Window, offset: number): Promise<Window> {
    const length = Math.max(0, Math.min(this.#chunk, this.#to - offset))
    const read = await this.#file.read(
      window.bytes.subarray(this.#room, this.#room + length),
      offset,
    )
    window.from = this.#room
    window.to = this.#room + read
    window.offset = offset
    window.last = read < this.#chunk || offset + read >= this.#to
    return window
  }
}
