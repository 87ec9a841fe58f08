/** Waiting until something changes, a time has come, or nobody wants to wait any more. */

import { AbortError } from '@walrus/log'
import type { Environment } from '@walrus/segment'
import { LATEST_MS } from './checks.ts'
import { closedError } from './errors.ts'

export interface WaitOptions {
  /** Gives up with `AbortError`; nothing is consumed then. */
  readonly signal?: AbortSignal | undefined
  /** Gives up after this many milliseconds, 1 to 2^31 - 1. */
  readonly timeoutMs?: number | undefined
}

/** Those who wait for a change. */
export class Waiters {
  #waiting: Set<() => void> | undefined

  get waiting(): boolean {
    return this.#waiting !== undefined && this.#waiting.size > 0
  }

  wake(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    for (const each of waiting) each()
  }

  add(wake: () => void): void {
    this.#waiting ??= new Set()
    this.#waiting.add(wake)
  }

  remove(wake: () => void): void {
    this.#waiting?.delete(wake)
  }
}

/** Why a wait has ended. */
export type Woken = 'changed' | 'due' | 'timeout'

/**
 * Waits for a change.
 * @param due when to look again in any case, on the clock of `environment`
 * @param until when the caller gives up, on the same clock
 * @throws `AbortError`, `WALRUS_CLOSED`
 */
export function changeOf(
  waiters: Waiters,
  environment: Environment,
  closing: AbortSignal,
  { signal, due, until }: { signal?: AbortSignal | undefined; due?: number; until?: number },
): Promise<Woken> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      waiters.remove(changed)
      timer?.cancel()
      signal?.removeEventListener('abort', aborted)
      closing.removeEventListener('abort', closed)
      settle()
    }
    const changed = (): void => end(() => resolve('changed'))
    const aborted = (): void => {
      end(() => reject(new AbortError('the wait was aborted', signal?.reason)))
    }
    const closed = (): void => end(() => reject(closedError()))
    const first = Math.min(due ?? Number.POSITIVE_INFINITY, until ?? Number.POSITIVE_INFINITY)
    const timer =
      first === Number.POSITIVE_INFINITY
        ? undefined
        : environment.after(
            Math.min(Math.max(0, first - environment.now()), LATEST_MS),
            () => end(() => resolve(first === until ? 'timeout' : 'due')),
            // Somebody waits for it.
            true,
          )
    if (signal?.aborted === true) return aborted()
    if (closing.aborted) return closed()
    waiters.add(changed)
    signal?.addEventListener('abort', aborted, { once: true })
    closing.addEventListener('abort', closed, { once: true })
  })
}
