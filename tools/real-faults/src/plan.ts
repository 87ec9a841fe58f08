/**
 * What a process does to a log in one life, made from a seed: the process and whoever judges it make the same plan.
 */

import type { Durability } from '@walrus/log'
import { MOST_BYTES } from './payload.ts'
import { between, oneOf, type Random, randomFrom } from './random.ts'

export const DURABILITIES: readonly Durability[] = ['commit', { everyMs: 5 }, 'none']

export function nameOfDurability(durability: Durability): string {
  return typeof durability === 'string' ? durability : `every ${durability.everyMs} ms`
}

/** One call that appends, all or nothing. */
export interface Unit {
  /** From 0, in the order of the calls. */
  readonly serial: number
  /** Empty for the plain log. */
  readonly stream: string
  readonly batch: boolean
  /** Bytes of each entry. */
  readonly sizes: readonly number[]
}

/** Calls that are made without waiting for one another, and what comes when all have been answered. */
export interface Step {
  /** By `append` and `appendBatch`, all begun before any is answered. */
  readonly together: readonly Unit[]
  /** Then, with those under way, by `appendSync`. */
  readonly blocking: readonly Unit[]
  readonly after: 'go on' | 'sync' | 'pause'
}

export interface Plan {
  readonly segmentBytes: number
  readonly bufferBytes: number
  readonly steps: readonly Step[]
}

const STREAMS = ['orders', 'payments', 'a stream with a longer name, and ünïcode'] as const

/** The plan of life number `life` (from 0) of the log with this seed, of so many steps. */
export function planOf(seed: number, life: number, steps: number): Plan {
  const random = randomFrom(seed, life, 1)
  let serial = 0
  const unit = (batch = false): Unit => ({
    serial: serial++,
    stream: random() < 0.6 ? '' : oneOf(random, STREAMS),
    batch,
    sizes: Array.from({ length: batch ? between(random, 1, 12) : 1 }, () => sizeOf(random)),
  })
  const units = (most: number): Unit[] =>
    Array.from({ length: between(random, 1, most) }, () => unit(random() < 0.15))
  const single = (): Unit => unit()
  const kinds: readonly (() => Pick<Step, 'together' | 'blocking'>)[] = [
    () => ({ together: [unit()], blocking: [] }),
    () => ({ together: units(16), blocking: [] }),
    () => ({ together: [unit(true)], blocking: [] }),
    () => ({ together: [], blocking: Array.from({ length: between(random, 1, 6) }, single) }),
    () => ({
      together: units(6),
      blocking: Array.from({ length: between(random, 1, 3) }, single),
    }),
  ]
  return {
    segmentBytes: oneOf(random, [0x1_0000, 0x1_0000, 0x2_0000, 0x10_0000]),
    bufferBytes: oneOf(random, [0x1_0000, 0x8_0000, 0x100_0000]),
    steps: Array.from({ length: steps }, () => {
      const kind = kinds[between(random, 0, kinds.length - 1)]!
      const chance = random()
      return { ...kind(), after: chance < 0.1 ? 'sync' : chance < 0.25 ? 'pause' : 'go on' }
    }),
  }
}

function sizeOf(random: Random): number {
  const kind = random()
  if (kind < 0.05) return 0
  if (kind < 0.5) return between(random, 1, 100)
  if (kind < 0.85) return between(random, 100, 4000)
  if (kind < 0.96) return between(random, 4000, 30_000)
  return between(random, 30_000, MOST_BYTES)
}

export function unitsOf({ steps }: Plan): Unit[] {
  return steps.flatMap(({ together, blocking }) => [...together, ...blocking])
}
