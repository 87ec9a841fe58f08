// Takes and lets go of a lock, and kills itself before its n-th call of the file system. Says how many
// calls there were, if it gets that far.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { fd } from '@walrus/segment'

const [dir, step] = process.argv.slice(2)
let calls = 0
function count(owner, names) {
  for (const name of names) {
    const call = owner[name]
    owner[name] = (...args) => {
      if (++calls === Number(step)) process.kill(process.pid, 'SIGKILL')
      return call(...args)
    }
  }
}
count(fs, ['open', 'openSync', 'write', 'fsync', 'close'])
count(fs.promises, ['mkdir', 'open', 'readdir', 'readFile', 'readlink', 'rename', 'rm', 'stat'])
syncBuiltinESMExports()
const lock = await fd().lock(dir)
await lock.release()
process.stdout.write(`${calls}\n`)
