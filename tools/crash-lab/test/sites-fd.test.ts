// The storage on `node:fs` runs on a machine in memory, in a worker, from what is built (src/sites/simulated-fs.ts).
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { deriveSites } from '../src/sites/derive.ts'
import { neutralise, type Replacement } from '../src/sites/neutralise.ts'
import type { FdTrial } from '../src/sites/simulated-fs.ts'

async function tryFd(replacements: (Replacement | undefined)[]): Promise<FdTrial[]> {
  const worker = new Worker(new URL('trying-fd.js', import.meta.url), {
    workerData: { replacements },
  })
  const trials: FdTrial[] = []
  worker.on('message', (trial: FdTrial) => trials.push(trial))
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
  return trials
}

test('the storage on node:fs keeps its promises through every power loss', async () => {
  const [trial] = await tryFd([undefined])
  expect(trial?.violation).toBeUndefined()
  expect(trial?.crashes).toBeGreaterThan(200)
}, 300_000)

test('with any of its own syncs, durable writes or waits left out it does not', async () => {
  const sites = deriveSites().filter(({ usesFs }) => usesFs)
  const trials = await tryFd(sites.map((site) => neutralise(site)))
  const survived = sites.filter((_, at) => trials[at]?.violation === undefined)
  expect(sites.length).toBeGreaterThan(15)
  expect(survived.map(({ name }) => name)).toEqual([])
}, 300_000)
