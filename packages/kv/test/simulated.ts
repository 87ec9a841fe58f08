/** A store on a simulated disk. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { Kv, type OwnLogOptions } from '../src/index.ts'

export const DIR = '/store'

/** Opens a store in a process of its own. */
export async function openOn(
  disk: SimulatedDisk = new SimulatedDisk(),
  options: OwnLogOptions<'utf8', 'utf8'> = {},
): Promise<Kv> {
  return await Kv.open(DIR, { storage: disk.process(), ...options })
}

/** All of a store, by iterating in every way there is; throws when they do not agree. */
export async function contentsOf(kv: Kv): Promise<[string, string][]> {
  // All at one time: keys may expire meanwhile.
  const scan = kv.entries()
  const { size } = kv
  const ways = {
    sync: [...kv.entriesSync()],
    keys: [...kv.keys()].map((key) => [key, kv.getSync(key)]),
    reverse: [...kv.entriesSync({ reverse: true })].reverse(),
  }
  const entries: [string, string][] = []
  for await (const entry of scan) entries.push(entry)
  for (const [way, found] of Object.entries(ways)) {
    if (JSON.stringify(found) !== JSON.stringify(entries)) {
      throw new Error(`${way}: ${JSON.stringify(found)}, not ${JSON.stringify(entries)}`)
    }
  }
  if (size !== entries.length) throw new Error(`size ${size}, not ${entries.length}`)
  return entries
}

export function inOrder(entries: readonly [string, string][]): [string, string][] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
}
