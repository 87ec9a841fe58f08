/** Chance that can be repeated: mulberry32, by Tommy Ettinger (public domain). */

/** Numbers from 0 up to 1. */
export type Random = () => number

/** Numbers that differ with any of the given ones. */
export function randomFrom(...seeds: readonly number[]): Random {
  let state = 0
  for (const seed of seeds) state = mix((state + 0x6d2b79f5 + seed) >>> 0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    return mix(state) / 0x1_0000_0000
  }
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), value | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return (mixed ^ (mixed >>> 14)) >>> 0
}

/** A whole number from `least` to `most`, both included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

export function oneOf<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[between(random, 0, choices.length - 1)]!
}
