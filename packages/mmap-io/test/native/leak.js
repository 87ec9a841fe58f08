// Maps and unmaps a million times, in bursts between turns of the event loop, and lets others be
// collected; neither memory nor addresses nor maps may be used up.
//
// `node --expose-gc leak.js`; WALRUS_TEST_SCALE asks for more rounds or fewer.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { MAP_SHARED, map, PROT_READ, unmap, write } from '../../dist/index.js'

const times = 1_000_000 * Number(process.env['WALRUS_TEST_SCALE'] ?? 1)
const WARM_UP = 20_000

const dir = mkdtempSync(join(tmpdir(), 'walrus-leak-'))
const fd = openSync(join(dir, 'file'), 'w+')
writeSync(fd, Buffer.alloc(4096, 1))

async function run(count) {
  for (let i = 1; i <= count; i++) {
    const buffer = map(4096, PROT_READ, MAP_SHARED, fd)
    if (i % 1000 === 0) {
      // Left to the collector, read, and written from.
      if (buffer[4095] !== 1) throw new Error('a map shows something else')
      await write(fd, buffer, 0, 4096, 0)
    } else unmap(buffer)
    if (i % 1024 === 0) await setImmediate()
  }
}

async function usage() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc()
    await setTimeout(5)
  }
  const status = readFileSync('/proc/self/status', 'latin1')
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1])
  return {
    maps: readFileSync('/proc/self/maps', 'latin1').split('\n').length,
    resident: kib('VmRSS') / 1024,
    addresses: kib('VmSize') / 1024,
  }
}

await run(WARM_UP)
const before = await usage()
await run(times)
const after = await usage()
closeSync(fd)
rmSync(dir, { recursive: true })

const grown = Object.keys(before).map((name) => [name, after[name] - before[name]])
const most = { maps: 100, resident: 32, addresses: 256 }
process.stdout.write(
  `leak: ${times} maps, ${grown.map(([name, by]) => `${name} ${by.toFixed(0)}`).join(', ')} (MiB)\n`,
)
process.exitCode = grown.every(([name, by]) => by <= most[name]) ? 0 : 1
