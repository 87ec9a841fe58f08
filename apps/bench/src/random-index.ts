/** The same random order for whoever is asked for it: Marsaglia's xorshift32 (Journal of Statistical Software 8/14). */

const SEED = 2_463_534_242

/** Returns a function that gives whole numbers from 0 to `below` - 1. */
export function randomIndex(below: number): () => number {
  let state = SEED | 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
