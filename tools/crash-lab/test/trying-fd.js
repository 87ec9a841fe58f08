// Run as a worker: tries the storage on `node:fs` once for each replacement it is handed.
import { parentPort, workerData } from 'node:worker_threads'
import { importWith } from '../dist/sites/loader.js'

const trial = new URL('../dist/sites/simulated-fs.js', import.meta.url).href

for (const replacement of workerData.replacements) {
  const { tryFd } = await importWith(trial, replacement, true)
  parentPort.postMessage(await tryFd())
}
