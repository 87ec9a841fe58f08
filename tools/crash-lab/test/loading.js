// Run as a worker: loads the subject once for each replacement it is handed, and answers with what that did.
import { parentPort, workerData } from 'node:worker_threads'
import { importWith } from '../dist/sites/loader.js'

const subject = new URL('subject.js', import.meta.url).href
const { replacements, what, dirs } = workerData

const logs = new Set()
for (const [at, replacement] of replacements.entries()) {
  const loaded = await importWith(subject, replacement)
  logs.add(loaded.Log)
  if (what !== 'nothing') parentPort.postMessage(await loaded[what](dirs[at]))
}
parentPort.postMessage(logs.size)
