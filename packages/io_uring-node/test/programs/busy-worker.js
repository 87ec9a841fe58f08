// Keeps rings busy in every way until it is terminated, or told to end.
import { execFileSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { allocate, Ring } from '../../dist/index.js'

const { target, round } = workerData
const fd = openSync(target, 'w+')
const pipe = `${target}.pipe`
execFileSync('mkfifo', [pipe])
const through = openSync(pipe, 'r+')

const ring = new Ring()
const other = new Ring({ entries: 4 })
ring.registerBuffers([allocate(8192)])

async function write(position) {
  const bytes = position % 2 === 0 ? Buffer.alloc(65536) : allocate(65536)
  for (;;) await ring.write(fd, bytes, position * 65536, { dsync: true })
}
const ignore = () => {}
for (let i = 0; i < 4; i++) write(i).catch(ignore)
ring.read(through, Buffer.alloc(10), 0).catch(ignore)
ring.read(through, allocate(10), 0).catch(ignore)
other
  .submit([
    { op: 'fsync', fd, link: true },
    { op: 'read', fd: through, buffer: allocate(10), position: 0 },
  ])
  .catch(ignore)
// Closing, when the worker ends.
if (round % 4 === 3) other.close().catch(ignore)

parentPort.once('message', () => process.exit(0))
parentPort.postMessage('ready')
