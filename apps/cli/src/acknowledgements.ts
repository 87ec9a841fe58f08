/**
 * Acknowledged indexes on standard output, one to a line, each printed at once.
 *
 * A line says that every entry up to that index is settled, so a later one replaces those that could not be
 * printed yet: a reader that is slow delays nothing, and one that has gone is not missed.
 */
import { Output } from './output.ts'

export class Acknowledgements {
  // The reader may leave: the entries still have to be appended.
  readonly #output = new Output(() => {})
  readonly #fail: () => void
  #last = -1
  #printed = -1
  #printing: Promise<void> | undefined

  /** @param fail is called when an index cannot be printed; the reason comes out of {@link finish} */
  constructor(fail: () => void) {
    this.#fail = fail
  }

  /** Everything up to `index` is settled. */
  add(index: number): void {
    this.#last = index
    if (this.#printing !== undefined) return
    this.#printing = this.#print()
    this.#printing.catch(this.#fail)
  }

  /** Resolves once the last index is printed; rejects when printing failed. */
  async finish(): Promise<void> {
    await this.#printing
  }

  async #print(): Promise<void> {
    while (this.#printed < this.#last) {
      // The batches of one commit group settle in one turn; the group is acknowledged by its last.
      await new Promise<void>((resolve) => process.nextTick(resolve))
      this.#printed = this.#last
      this.#output.putText(`${this.#printed}\n`)
      await this.#output.flush()
    }
    this.#printing = undefined
  }
}
