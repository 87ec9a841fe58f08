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
  const entries: [string, string][] = []
  for await (const entry of kv.entries()) entries.push(entry)
  const ways = {
    sync: [...kv.entriesSync()],
    keys: [...kv.keys()].map((key) => [key, kv.getSync(key)]),
    reverse: [...kv.entriesSync({ reverse: true })].reverse(),
  }
  for (const [way, found] of Object.entries(ways)) {
    if (JSON.stringify(found) !== JSON.stringify(entries)) {
      throw new Error(`${way}: ${JSON.stringify(found)}, not ${JSON.stringify(entries)}`)
    }
  }
  if (kv.size !== entries.length) throw new Error(`size ${kv.size}, not ${entries.length}`)
  return entries
}
