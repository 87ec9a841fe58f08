/** Repeatable chance, as the simulated disk has it. */

import { pick, type Random, randomFrom } from '@walrus/storage-sim'

export { pick, type Random, randomFrom }

export function choose<T>(random: Random, among: readonly T[]): T {
  return among[pick(random, among.length)]!
}
