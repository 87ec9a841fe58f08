// Reads a log that another process is writing, where it lies, and finds that it cannot write it too.
import assert from 'node:assert'
import { Log } from '@walrus/log'
import { mmap } from '@walrus/storage-mmap'
import { uring } from '@walrus/storage-uring'

const [name, dir] = process.argv.slice(2)
const storage = name === 'uring' ? uring() : mmap()
await assert.rejects(Log.open(dir, { storage }), { code: 'WALRUS_LOCKED' })
const log = await Log.open(dir, { storage, readOnly: true })
await log.refresh()
assert(log.lastIndex > 0)
for (let n = 1; n <= log.lastIndex; n++) {
  assert.equal(Buffer.from(log.view(n).data).toString(), `entry ${n}`)
}
await log.close()
process.disconnect()
