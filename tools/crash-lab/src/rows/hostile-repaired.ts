/** Forged logs that are repaired: what `verify` finds damaged is left out, and nothing before it. */

import { Log, repair, verify } from '@walrus/log'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { DIR } from '../workload.ts'
import { streamOf, textOf } from './damage-outcome.ts'
import { type Cases, SEG } from './hostile-case.ts'
import { type Encoded, forgeHeader } from './hostile-encode.ts'
import type { Forged } from './hostile-layout.ts'
import type { Entry, ForgedLog } from './hostile-logs.ts'

/** Of what the link of the second segment may say, this is wrong. */
const LINKS: Readonly<Record<string, (encoded: Encoded) => Forged>> = {
  'predecessorEnd.late': ({ placed }) => ({ predecessorEnd: placed[0]!.end + 64 }),
  'firstLsn.late': ({ placed }) => ({ firstLsn: placed[1]!.firstLsn + 1 }),
}

export function repairedCases(cases: Cases): void {
  for (const [name, lie] of Object.entries(LINKS)) {
    cases.set(`repaired.link2.${name}`, {
      log: 'closed',
      files: (files, encoded) => forgeHeader(files.get(SEG(2))!, lie(encoded)),
      look: repaired,
      expected: {},
    })
  }
}

/** The second segment does not follow the first one: that is all that is left. */
async function repaired(disk: SimulatedDisk, { entries }: ForgedLog): Promise<string[]> {
  const left = entries.filter(({ segment }) => segment === 0)
  const { value } = await disk.run(async (storage) => {
    const { salvaged } = await repair(DIR, { storage })
    const { damage } = await verify(DIR, { storage })
    const found = damage.map(({ message }) => `it is still damaged: ${message}`)
    if (salvaged === undefined) found.push('nothing is said to be damaged')
    const log = await Log.open(DIR, { storage })
    found.push(...(await missing(log, left)))
    await log.close()
    return found
  })
  return value!
}

async function missing(log: Log, entries: readonly Entry[]): Promise<string[]> {
  const found: string[] = []
  for (const name of new Set(entries.map(({ stream }) => stream))) {
    const there: string[] = []
    for await (const entry of streamOf(log, name).entries()) there.push(textOf(entry))
    const right = entries.filter(({ stream }) => stream === name).map(({ text }) => text)
    if (String(there) !== String(right))
      found.push(`of ${name || 'the plain log'} is left ${there.join(', ')}`)
  }
  return found
}
