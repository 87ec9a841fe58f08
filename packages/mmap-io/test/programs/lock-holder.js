// Locks a file and holds it until told to let go: argv is the file and `exclusive` or `shared`.
import { openSync } from 'node:fs'
import { lock, unlock } from '../../dist/index.js'

const fd = openSync(process.argv[2], 'r+')
lock(fd, { exclusive: process.argv[3] === 'exclusive' })
process.stdout.write('locked\n')
process.stdin.once('data', () => {
  setTimeout(() => {
    unlock(fd)
  }, 100)
})
