// Opens and closes rings, some of them with operations under way, some left to the collector; neither
// memory nor descriptors nor maps may be used up.
//
// `node --expose-gc leak-rings.js`; WALRUS_TEST_SCALE asks for more rings or fewer.
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { allocate, Ring } from '../../dist/index.js'

const times = 20_000 * Number(process.env['WALRUS_TEST_SCALE'] ?? 1)
const WARM_UP = 1000

const dir = mkdtempSync(join(tmpdir(), 'walrus-leak-'))
const fd = openSync(join(dir, 'file'), 'w+')
const page = allocate(4096)
const ignore = () => {}

async function run(count) {
  for (let i = 1; i <= count; i++) {
    const ring = new Ring({ entries: 1 + (i % 64) })
    if (i % 10 === 0) {
      ring.registerBuffers([page])
      ring.registerFiles([fd])
      ring.write(fd, i % 20 === 0 ? page : Buffer.alloc(100), 0).catch(ignore)
    }
    // Left to the collector, which has to be asked in time.
    if (i % 100 === 1) continue
    await ring.close()
    if (i % 5000 === 0) {
      globalThis.gc()
      await setTimeout(1)
    }
  }
}

async function usage() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc()
    await setTimeout(20)
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
closeSync(fd)
rmSync(dir, { recursive: true })

const grown = Object.keys(before).map((name) => [name, after[name] - before[name]])
const most = { maps: 100, resident: 32, descriptors: 0 }
process.stdout.write(
  `leak: ${times} rings, ${grown.map(([name, by]) => `${name} ${by.toFixed(0)}`).join(', ')}\n`,
)
process.exitCode = grown.every(([name, by]) => by <= most[name]) ? 0 : 1
