/** Measures subjects side by side: a process for each, prepared one after the other, run in rounds. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { withDirectory } from './directories.ts'
import { interleave } from './rounds.ts'
import { type Measured, missing } from './subject.ts'
import { SubjectHost } from './subject-host.ts'
import type { Sizes } from './workload.ts'

export interface MeasureOptions {
  /** Directory that the data goes under; all of it is gone again afterwards. */
  readonly directory: string
  /** Rounds that count. */
  readonly runs: number
  readonly sizes: Sizes
  /** Told what is happening, for a person who waits. */
  readonly onProgress: (what: string) => void
}

/** Every subject of `names` with its samples, or why it has none. */
export function measure(
  names: readonly string[],
  { directory, runs, sizes, onProgress }: MeasureOptions,
): Promise<Map<string, Measured>> {
  return withDirectory(directory, async (parent) => {
    const hosts = new Map<string, SubjectHost>()
    const measured = new Map<string, Measured>()
    try {
      for (const [i, name] of names.entries()) {
        onProgress(`preparing ${name}`)
        const own = join(parent, String(i))
        await mkdir(own)
        try {
          hosts.set(name, await SubjectHost.start(name, own, sizes))
        } catch (error) {
          measured.set(name, missing(error))
        }
      }
      const rounds = await interleave(hosts, runs, (name, round) =>
        onProgress(`${round === 0 ? 'warm-up' : `run ${round} of ${runs}`}: ${name}`),
      )
      for (const [name, result] of rounds) measured.set(name, result)
    } finally {
      await Promise.all([...hosts.values()].map((host) => host.close()))
    }
    return measured
  })
}
