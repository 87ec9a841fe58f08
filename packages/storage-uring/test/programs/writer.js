// Appends entries by the dozen, says which were acknowledged, and ends with others in flight.
// Arguments: storage, directory, how to end, after how many acknowledgements.
import { writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { Log } from '@walrus/log'
import { mmap } from '@walrus/storage-mmap'
import { uring } from '@walrus/storage-uring'

const [name, dir, how, enough] = process.argv.slice(2)
const log = await Log.open(dir, { storage: name === 'uring' ? uring() : mmap() })
let acknowledged = 0

function say(entry) {
  if (parentPort === null) writeSync(1, `${entry}\n`)
  else parentPort.postMessage(entry)
  if (++acknowledged !== Number(enough)) return
  if (how === 'exit') process.exit(0)
  if (how === 'SIGKILL' || how === 'SIGTERM') process.kill(process.pid, how)
  if (how === 'throw') throw new Error('this is how it ends')
}

for (let n = 1; how === 'return' ? n <= Number(enough) : true; n += 12) {
  const appends = Array.from({ length: 12 }, async (_, at) => {
    await log.append(`entry ${n + at}`)
    say(`entry ${n + at}`)
  })
  // Two dozen are under way at once.
  await (n % 24 === 1 ? appends[0] : Promise.all(appends))
}
await log.sync()
await log.close()
