/** Entries looked at where they lie, which must go on showing what they showed, whatever becomes of the disk. */

import type { Log } from '@walrus/log'

export class Views {
  readonly #log: Log
  readonly #seen: { readonly what: string; readonly view: Uint8Array; readonly copy: Buffer }[] = []
  /** The first position of each stream that has not been looked at. */
  readonly #next = new Map<string, number>()

  /** @param log it must stay open */
  constructor(log: Log) {
    this.#log = log
  }

  get entries(): number {
    return this.#seen.length
  }

  /** Looks at everything that has come since, and keeps looking at it. */
  look(): void {
    const { firstIndex, lastIndex } = this.#log
    this.#lookAt('', Math.max(1, firstIndex), lastIndex + 1, (index) => this.#log.view(index).data)
    for (const name of this.#log.streams()) {
      const stream = this.#log.stream(name)
      this.#lookAt(name, stream.first, stream.next, (index) => stream.view(index).data)
    }
  }

  /** Those that show something else than at first, in words. */
  changed(): string[] {
    return this.#seen
      .filter(({ view, copy }) => !copy.equals(view))
      .map(({ what }) => `the view of ${what} shows something else than at first`)
  }

  #lookAt(stream: string, first: number, next: number, view: (index: number) => Uint8Array): void {
    for (let index = this.#next.get(stream) ?? first; index < next; index++) {
      const shown = view(index)
      this.#seen.push({ what: `${stream} ${index}`, view: shown, copy: Buffer.from(shown) })
    }
    this.#next.set(stream, next)
  }
}
