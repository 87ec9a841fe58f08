/** Repeatable chance: the same seed gives the same numbers (mulberry32, by Tommy Ettinger; public domain). */

export type Random = () => number

/** Numbers from 0 up to, and without, 1. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0 to `below` - 1. */
export function pick(random: Random, below: number): number {
  return Math.floor(random() * below)
}

export function choose<T>(random: Random, among: readonly T[]): T {
  return among[pick(random, among.length)]!
}
