/** Opens the store in the directory that is the argument, and prints how long that took and in how much memory. */

import { performance } from 'node:perf_hooks'
import { Kv } from '@walrus/kv'

export interface Opening {
  readonly milliseconds: number
  readonly rssBytes: number
  readonly size: number
}

const begun = performance.now()
const store = await Kv.open(process.argv[2]!, { valueEncoding: 'bytes' })
const milliseconds = performance.now() - begun
const opening: Opening = { milliseconds, rssBytes: process.memoryUsage().rss, size: store.size }
await store.close()
process.stdout.write(JSON.stringify(opening))
