// Appends to the log in the directory it is given until it is killed, and prints the index of each entry once it is
// acknowledged. The payload of index n is `n:` and then more `n`s.
import { writeSync } from 'node:fs'
import { Log } from '@walrus/log'

const [dir, durability, way] = process.argv.slice(2)
const log = await Log.open(dir, { durability: JSON.parse(durability), segmentBytes: 0x1_0000 })
const payload = (index) => `${index}:`.padEnd(20 + ((index * 997) % 3000), `${index} `)
const acknowledged = (indexes) => writeSync(1, `${indexes.join('\n')}\n`)

let next = log.lastIndex + 1
writeSync(1, 'open\n')
for (;;) {
  if (way === 'appendSync') {
    acknowledged([log.appendSync(payload(next++))])
    if (next % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
  } else if (way === 'appendBatch') {
    const batch = [payload(next++), payload(next++), payload(next++)]
    acknowledged([(await log.appendBatch(batch)).at(-1)])
  } else {
    const together = Array.from({ length: 8 }, () => payload(next++))
    const indexes = await Promise.all(together.map((each) => log.append(each)))
    acknowledged(indexes)
  }
}
