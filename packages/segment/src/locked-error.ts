/** The error of a writer who comes second. */

import { WalrusError } from '@walrus/codec'
import type { Holder } from './storage.ts'

/**
 * What is known of the holder:
 * - `running`: it answered.
 * - `stopped`: it lives, and a signal has stopped it (SIGSTOP, a debugger).
 * - `not-answering`: it lives, and its event loop is busy.
 * - `other-host`: its files say that it is on another machine, which cannot be asked from here.
 * - `unknown`: whether it lives cannot be told from here.
 */
export type HolderState = 'running' | 'stopped' | 'not-answering' | 'other-host' | 'unknown'

/** `WALRUS_LOCKED`: another writer has the directory, or may have it. */
export class LockedError extends WalrusError<'WALRUS_LOCKED'> {
  /** Who holds the lock; `undefined` when the lock's files do not say. */
  readonly holder: Holder | undefined
  readonly state: HolderState

  constructor(message: string, dir: string, state: HolderState, holder?: Holder) {
    super('WALRUS_LOCKED', message, { file: dir })
    this.holder = holder
    this.state = state
  }
}
