/**
 * The process that looks at a log's entries where they lie while another one writes it. Its arguments are the
 * directory and the storage; at the end of its input it looks once more, says how many entries it has seen, and ends.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Log } from '@walrus/log'
import { storageNamed } from './storages.ts'
import { Views } from './views.ts'

const EVERY_MS = 20

const [dir, name] = process.argv.slice(2) as [string, string]
const storage = await storageNamed(name)
let over = false
process.stdin.once('end', () => (over = true)).resume()

async function openOnceMade(): Promise<Log | undefined> {
  for (;;) {
    try {
      return await Log.open(dir, { storage, readOnly: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'WALRUS_NOT_FOUND'))
        throw error
      if (over) return undefined
      await sleep(EVERY_MS)
    }
  }
}

const log = await openOnceMade()
const views = log === undefined ? undefined : new Views(log)
for (let last = false; log !== undefined && views !== undefined && !last; ) {
  last = over
  await log.refresh()
  views.look()
  const changed = views.changed()
  if (changed.length > 0) throw new Error(changed[0])
  if (!last) await sleep(EVERY_MS)
}
await log?.close()
process.stdout.write(`${views?.entries ?? 0}\n`, () => process.exit(0))
