// A second process follows a log that the first one writes. It opens it for reading, sees what is on disk, as soon as
// it is, and changes nothing.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Log } from '@walrus/log'

if (process.argv[2] === 'reader') {
  const log = await Log.open('./ticks', { readOnly: true })
  for await (const { index, data } of log.entries({ follow: true })) {
    console.log(`read ${index}: ${Buffer.from(data).toString()}`)
    if (index === 3) break
  }
  await log.close()
} else {
  const log = await Log.open('./ticks')
  await log.append('tick')
  const reader = fork(fileURLToPath(import.meta.url), ['reader'])
  const ended = once(reader, 'close')
  for (let n = 2; n <= 3; n++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await log.append('tick')
  }
  await ended
  await log.close()
}

// read 1: tick
// read 2: tick
// read 3: tick
