/** What comes of opening and reading a log that somebody has tampered with. */

import { WalrusError } from '@walrus/codec'
import type { SimulatedDisk } from '@walrus/storage-sim'
import type { Log } from '../src/index.ts'
import { openOn } from './simulated.ts'

/** What an error says: its code, and whether it names file, offset and index. */
export interface Refusal {
  readonly code: string
  readonly file: string | undefined
  readonly offset: number | undefined
  readonly index: number | undefined
}

export interface Outcome {
  /** Why it did not open. */
  readonly refused: Refusal | undefined
  /** What was read, by iterating, in order. */
  readonly iterated: readonly string[]
  /** Why iterating stopped before the end. */
  readonly stopped: Refusal | undefined
  /** For each index what reading it gave, or the error. */
  readonly each: readonly (string | Refusal)[]
  /** The index at which opening reported a torn tail. */
  readonly tornAt: number | undefined
}

/** @param count how many entries are asked for one by one */
export async function outcomeOf(
  disk: SimulatedDisk,
  count: number,
  readOnly = false,
): Promise<Outcome> {
  let log: Log
  try {
    log = await openOn(disk, { readOnly })
  } catch (error) {
    const refused = refusal(error)
    return { refused, iterated: [], stopped: undefined, each: [], tornAt: undefined }
  }
  const iterated: string[] = []
  let stopped: Refusal | undefined
  try {
    for await (const { data } of log.entries()) iterated.push(text(data))
  } catch (error) {
    stopped = refusal(error)
  }
  const each: (string | Refusal)[] = []
  for (let index = 1; index <= count; index++) {
    try {
      each.push(text(log.getSync(index).data))
    } catch (error) {
      each.push(refusal(error))
    }
  }
  const tornAt = log.recovery.torn?.index
  await log.close()
  return { refused: undefined, iterated, stopped, each, tornAt }
}

/** Anything but an error of the project's own is not an answer, and is thrown on. */
function refusal(error: unknown): Refusal {
  if (!(error instanceof WalrusError)) throw error
  const { code, file, offset, index } = error
  return { code, file, offset, index: index === undefined ? undefined : Number(index) }
}

function text(data: Uint8Array): string {
  return Buffer.from(data).toString('latin1')
}
