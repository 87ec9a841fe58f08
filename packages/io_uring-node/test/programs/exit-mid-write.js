// Writes block after block, several at once, prints the number of each when it is durable, and exits
// while others are under way. `node exit-mid-write.js <file> <seed>`
import { openSync, writeSync } from 'node:fs'
import { allocate, Ring } from '../../dist/index.js'

const [path, seed] = process.argv.slice(2)
const fd = openSync(path, 'w')
const ring = new Ring()
const atOnce = 8
const last = 40 + Number(seed) * 13
let next = 0

async function writer() {
  for (;;) {
    const block = next++
    // Memory of both kinds.
    const bytes = block % 2 === 0 ? Buffer.alloc(4096) : allocate(4096)
    bytes.fill((block % 255) + 1)
    const written = await ring.write(fd, bytes, block * 4096, { dsync: true })
    if (written !== 4096) throw new Error(`block ${block}: ${written} bytes`)
    writeSync(1, `${block}\n`)
    if (block >= last) process.exit(0)
  }
}

for (let i = 0; i < atOnce; i++) void writer()
