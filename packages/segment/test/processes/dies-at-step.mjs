// Takes and lets go of a lock, and kills itself before its n-th call of node:fs/promises. Says how many
// calls there were, if it gets that far.
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { fd } from '@walrus/segment'

const [dir, step] = process.argv.slice(2)
let calls = 0
for (const name of ['mkdir', 'open', 'readdir', 'readFile', 'readlink', 'rename', 'rm', 'stat']) {
  const call = fs[name]
  fs[name] = (...args) => {
    if (++calls === Number(step)) process.kill(process.pid, 'SIGKILL')
    return call(...args)
  }
}
syncBuiltinESMExports()
const lock = await fd().lock(dir)
await lock.release()
process.stdout.write(`${calls}\n`)
