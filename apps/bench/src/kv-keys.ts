/** The keys that every store is given, in the same orders. */

import { randomIndex } from './random-index.ts'

export const KEYS = 1_000_000

export function keyOf(number: number): string {
  return `key:${String(number).padStart(10, '0')}`
}

/** Every number below `KEYS` once, in an order that is none (Fisher and Yates). */
export function shuffled(): Uint32Array {
  const numbers = Uint32Array.from({ length: KEYS }, (_, number) => number)
  const random = randomIndex(2 ** 32)
  for (let last = KEYS - 1; last > 0; last--) {
    const other = random() % (last + 1)
    const moved = numbers[last]!
    numbers[last] = numbers[other]!
    numbers[other] = moved
  }
  return numbers
}

/** How many are set before their acknowledgement is awaited, where nothing is synced. */
export const TURN = 10_000

/** Sets every key once, awaiting the last of each turn. */
export async function fillShuffled(set: (key: string) => Promise<unknown>): Promise<void> {
  const numbers = shuffled()
  for (let at = 0; at < KEYS; ) {
    const end = Math.min(at + TURN, KEYS)
    let last: Promise<unknown> | undefined
    while (at < end) last = set(keyOf(numbers[at++]!))
    await last
  }
}
