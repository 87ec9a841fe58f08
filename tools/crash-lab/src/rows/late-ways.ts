/** How a log is worked with while calls take long (late.ts): several things at a time, each in a way of its own. */

import { WalrusError } from '@walrus/codec'
import { choose, pick, type Random } from '../random.ts'
import type { Driver } from '../workload.ts'

/** What a way of working may use. */
export interface Work {
  readonly driver: Driver
  readonly random: Random
  /** Lets simulated time pass, in milliseconds. */
  readonly pass: (ms: number) => Promise<void>
  /** From now on there is space for what is written to segments, or there is none. */
  readonly space: (there: boolean) => void
}

type Way = (work: Work) => Promise<void>

/** Three go into a segment of 64 KiB. */
const SIZES = [15_000, 18_000, 20_000]
/** One that no writer writes without a thread. */
const LARGE = 300_000
const SMALL = 300

export const WAYS: Readonly<Record<string, Way>> = {
  /** One append after the other. */
  async awaited(work) {
    for (let n = 0; n < 50; n++) await work.driver.append(anySize(work))
  },

  /** Appends at once, which share groups. */
  async together({ driver, random }) {
    for (let round = 0; round < 12; round++) {
      await Promise.all([
        driver.append(choose(random, SIZES)),
        driver.append(SMALL),
        driver.append(choose(random, SIZES)),
      ])
    }
  },

  /** `appendSync`, again and again, while appends are under way and segments are being ended. */
  async overtaken(work) {
    const { driver, random, pass } = work
    for (let round = 0; round < 8; round++) {
      const underWay = [driver.append(choose(random, [...SIZES, LARGE])), driver.append(SMALL)]
      await pass(choose(random, [0, 0.1, 1, 8]))
      for (let more = pick(random, 5); more >= 0; more--) driver.appendSync(anySize(work))
      await Promise.all(underWay)
    }
    driver.appendSync(SMALL)
  },

  /**
   * `appendSync` without a turn of the event loop, longer than ended segments may wait; then the loop turns, and for
   * what is left to be done with them there may be no space.
   */
  async looped(work) {
    const { driver, random, pass, space } = work
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 30; n++) driver.appendSync(anySize(work))
      space(pick(random, 2) === 0)
      const syncing = unlessFull(() => driver.sync())
      await pass(choose(random, [0, 0.1, 1, 8, 40]))
      space(true)
      await syncing
    }
    for (let n = 0; n < 3; n++) driver.appendSync(SMALL)
  },

  /** The disk is full, and `appendSync` finds that out, while an append is under way; then there is space again. */
  async full(work) {
    const { driver, random, pass, space } = work
    for (let n = pick(random, 3); n >= 0; n--) await driver.append(anySize(work))
    for (let round = 0; round < 3; round++) {
      const size = choose(random, [SMALL, ...SIZES, LARGE])
      const underWay = unlessFull(() => driver.append(size))
      await pass(choose(random, [0, 0.1, 0.5]))
      space(false)
      await unlessFull(() => driver.appendSync(choose(random, [SMALL, ...SIZES])))
      space(true)
      const more = Array.from({ length: pick(random, 3) }, () =>
        unlessFull(() => driver.append(choose(random, [SMALL, 1000]))),
      )
      // Otherwise the next one comes, or the end does, before that one has come back.
      if (pick(random, 2) === 0) await Promise.all([underWay, ...more])
    }
  },

  /** `sync()` while appends go on over several segments; then a few more, and another one. */
  async synced(work) {
    const { driver, random } = work
    const syncs: Promise<void>[] = []
    for (let n = 0; n < 30; n++) {
      await driver.append(anySize(work))
      if (pick(random, 5) === 0) syncs.push(driver.sync())
    }
    await Promise.all(syncs)
    for (let n = pick(random, 2); n >= 0; n--) await driver.append(SMALL)
    await driver.sync()
  },
}

function anySize({ random }: Work): number {
  return choose(random, SIZES)
}

/** Does something that may be refused for lack of space. */
async function unlessFull(append: () => Promise<void> | void): Promise<void> {
  try {
    await append()
  } catch (error) {
    if (!(error instanceof WalrusError) || error.code !== 'WALRUS_DISK_FULL') throw error
  }
}
