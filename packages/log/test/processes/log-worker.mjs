// A worker thread that uses a log: follows it, or writes to it.

import { parentPort, workerData } from 'node:worker_threads'
import { Log } from '@walrus/log'

const { dir, what, entries } = workerData

if (what === 'follow') {
  const log = await Log.open(dir, { readOnly: true })
  parentPort.postMessage('open')
  const found = []
  for await (const { data } of log.entries({ follow: true })) {
    found.push(Buffer.from(data).toString())
    if (found.length === entries) break
  }
  await log.close()
  parentPort.postMessage(found)
} else {
  try {
    const log = await Log.open(dir)
    for (let n = 0; n < entries; n++) await log.append(`worker ${n}`)
    await log.close()
    parentPort.postMessage('written')
  } catch (error) {
    parentPort.postMessage(error.code)
  }
}
