/**
 * A file whose bytes can be looked at where they lie.
 *
 * The map only reads; every store goes through the descriptor, so that a full disk is an error of a write, and never
 * a fault of memory. Invariant: what a view shows lay inside the file when it was asked for.
 */

import { WalrusError } from '@walrus/codec'
import { map, MAP_SHARED, PROT_READ, unmap } from '@walrus/mmap-io'
import { FdFile, systemError } from '@walrus/segment'

export class MmapFile extends FdFile {
  /** The newest map, of the file as it was then. */
  #map: Uint8Array | undefined
  /** The memory of older ones of a file that has grown; each lasts while a view looks at it. */
  #older: WeakRef<ArrayBuffer>[] = []

  override view(at: number, length: number): Uint8Array {
    const end = this.#endOf(at, length)
    let mapped = this.#map
    if (mapped === undefined || mapped.length < end) {
      const size = this.sizeSync()
      if (size === 0 || at >= size) return new Uint8Array(0)
      mapped = mapped?.length === size ? mapped : this.#mapAnew(size)
    }
    return new Uint8Array(mapped.buffer, mapped.byteOffset + at, Math.min(end, mapped.length) - at)
  }

  override async close(): Promise<void> {
    this.#unmap()
    await super.close()
  }

  override closeSync(): void {
    this.#unmap()
    super.closeSync()
  }

  #endOf(at: number, length: number): number {
    const end = at + length
    if (Number.isSafeInteger(at) && at >= 0 && Number.isSafeInteger(end) && end >= at) return end
    const message = `a view must begin and end at whole numbers from 0 to 2^53 - 1, got ${at} and ${length} bytes: ${this.path}`
    throw new WalrusError('WALRUS_INVALID_OPTION', message, { file: this.path })
  }

  #mapAnew(size: number): Uint8Array {
    let mapped: Uint8Array
    try {
      mapped = map(size, PROT_READ, MAP_SHARED, this.descriptor)
    } catch (error) {
      throw systemError(error, `map ${size} bytes`, this.path)
    }
    if (this.#map !== undefined) {
      this.#older = this.#older.filter((older) => older.deref() !== undefined)
      this.#older.push(new WeakRef(this.#map.buffer as ArrayBuffer))
    }
    this.#map = mapped
    return mapped
  }

  #unmap(): void {
    for (const older of this.#older.splice(0)) {
      const mapped = older.deref()
      if (mapped !== undefined) unmap(mapped)
    }
    if (this.#map !== undefined) unmap(this.#map)
    this.#map = undefined
  }
}
