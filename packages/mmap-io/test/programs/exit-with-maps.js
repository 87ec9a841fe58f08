// Ends in the way it is told while maps live: argv is a file and `return`, `exit` or `drop-at-exit`.
import { openSync } from 'node:fs'
import { MAP_SHARED, map, PROT_READ, write } from '../../dist/index.js'

const [, , path, how] = process.argv
const fd = openSync(path, 'r+')
globalThis.kept = Array.from({ length: 100 }, () => map(4096, PROT_READ, MAP_SHARED, fd))
process.stdout.write('mapped\n')
if (how === 'exit') {
  void write(fd, globalThis.kept[0], 0, 4096, 0)
  process.exit(0)
}
if (how === 'drop-at-exit') {
  process.on('exit', () => {
    globalThis.kept.length = 0
    process.exitCode = 0
  })
}
