/** A reader beside a writer: what it sees is always one of the states, and never an earlier one again. */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { type History, told, viewOf } from './history.ts'
import { DIR } from './workload.ts'

/** A reader in a process of its own, which looks now and then. */
export class HistoryReader {
  readonly #disk: SimulatedDisk
  readonly #history: History
  readonly #found: string[] = []
  #log: Log | undefined
  /** Number of the state it saw last. */
  #seen = 0

  constructor(disk: SimulatedDisk, of: History) {
    this.#disk = disk
    this.#history = of
  }

  async look(): Promise<void> {
    const { fault } = this.#disk
    this.#disk.fault = undefined
    try {
      this.#log ??= await Log.open(DIR, { storage: this.#disk.process(), readOnly: true })
      await this.#log.refresh()
      const seen = told(await viewOf(this.#log))
      const at = this.#history.states.findIndex(
        (state, n) => n >= this.#seen && told(state) === seen,
      )
      if (at < 0) this.#found.push(`a reader saw ${seen}, which is not there, or was before`)
      else this.#seen = at
    } catch (error) {
      const code = error instanceof WalrusError ? error.code : ''
      // What it was reading may go while it reads.
      if (code !== 'WALRUS_TRUNCATED_AWAY' && code !== 'WALRUS_INDEX_OUT_OF_RANGE') {
        this.#found.push(`a reader fails with ${String(error)}`)
      }
    }
    this.#disk.fault = fault
  }

  async end(): Promise<readonly string[]> {
    await this.#log?.close()
    return this.#found
  }
}
