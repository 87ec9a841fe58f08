/**
 * Rounds: every subject runs once in each, in the same order (A B A B …), so that a machine that gets slower meanwhile
 * gets slower for all, and the ratio inside a round stands. The first round warms up and does not count.
 */

import { type Measured, missing, type Sample, type Subject } from './subject.ts'

/**
 * Runs each subject `runs` times, after one uncounted round. One that fails leaves the rounds and the others go on.
 *
 * @param onRun told before each run; round 0 is the warm-up
 */
export async function interleave(
  subjects: ReadonlyMap<string, Subject>,
  runs: number,
  onRun: (name: string, round: number) => void,
): Promise<Map<string, Measured>> {
  const samples = new Map<string, Sample[]>([...subjects.keys()].map((name) => [name, []]))
  const measured = new Map<string, Measured>()
  for (let round = 0; round <= runs; round++) {
    for (const [name, subject] of subjects) {
      if (measured.has(name)) continue
      onRun(name, round)
      try {
        const sample = await subject.run()
        if (round > 0) samples.get(name)?.push(sample)
      } catch (error) {
        measured.set(name, missing(error))
      }
    }
  }
  for (const [name, all] of samples) if (!measured.has(name)) measured.set(name, { samples: all })
  return measured
}
