// A million operations of every kind, in batches and alone, by promise and by waiting; neither memory
// nor descriptors nor maps may be used up.
//
// `node --expose-gc leak.js`; WALRUS_TEST_SCALE asks for more rounds or fewer.
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { allocate, Ring } from '../../dist/index.js'

const times = 1_000_000 * Number(process.env['WALRUS_TEST_SCALE'] ?? 1)
const WARM_UP = 20_000
const ROUND = 250

const dir = mkdtempSync(join(tmpdir(), 'walrus-leak-'))
const fd = openSync(join(dir, 'file'), 'w+')
const ring = new Ring({ entries: 256 })
const page = allocate(4096)
const other = Buffer.alloc(512, 7)
const into = Buffer.alloc(512)

const batch = Array.from({ length: ROUND - 6 }, (_, i) => {
  const link = i % 5 === 0
  switch (i % 4) {
    case 0:
      return { op: 'write', fd, buffer: i % 8 === 0 ? page : other, position: 4096 * i, link }
    case 1:
      return { op: 'writev', fd, buffers: [page, i % 8 === 1 ? other : page], position: 0, link }
    case 2:
      return { op: 'read', fd, buffer: i % 8 === 2 ? page : into, position: 0, link }
    default:
      return { op: 'read', fd, buffer: page, position: 1 << 30 }
  }
})

async function run(count) {
  for (let done = 0; done < count; done += ROUND) {
    await ring.submit(batch).catch((error) => {
      if (error.code !== 'ECANCELED') throw error
    })
    ring.writeSync(fd, other, 0)
    ring.readSync(fd, into, 0)
    ring.writevSync(fd, [other, page], 0)
    await ring.write(fd, other, 0)
    await ring.read(fd, into, 0)
    // Left to the collector.
    await ring.write(fd, allocate(100), 0)
  }
}

async function usage() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc()
    await setTimeout(5)
  }
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))
  return {
    maps: readFileSync('/proc/self/maps', 'latin1').split('\n').length,
    resident: Number(resident[1]) / 1024,
    descriptors: readdirSync('/proc/self/fd').length,
  }
}

await run(WARM_UP)
const before = await usage()
await run(times)
const after = await usage()
await ring.close()
closeSync(fd)
rmSync(dir, { recursive: true })

const grown = Object.keys(before).map((name) => [name, after[name] - before[name]])
const most = { maps: 100, resident: 32, descriptors: 0 }
process.stdout.write(
  `leak: ${times} operations, ${grown.map(([name, by]) => `${name} ${by.toFixed(0)}`).join(', ')}\n`,
)
process.exitCode = grown.every(([name, by]) => by <= most[name]) ? 0 : 1
