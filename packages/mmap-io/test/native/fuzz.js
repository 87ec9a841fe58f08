// Every function with hostile arguments, by seed: each call succeeds, or throws an error with a code.
//
// `node fuzz.js [seed]`; WALRUS_TEST_SCALE asks for more calls or fewer. Whatever stays mapped is
// touched at the end, so that a map that was lost would be noticed. What the process may be killed for
// is left out, since that is what the interface says: touching a map without PROT_READ, and storing
// into one without PROT_WRITE.
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as api from '../../dist/index.js'

const binding = createRequire(import.meta.url)('../../build/mmap-io.node')
const seed = Number(process.argv[2] ?? 1)
const scale = Number(process.env['WALRUS_TEST_SCALE'] ?? 1)
const calls = 40_000 * scale
const dir = mkdtempSync(join(tmpdir(), 'walrus-fuzz-'))
const FILE = 64 << 10

let state = seed >>> 0
/** Mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const below = (n) => Math.floor(random() * n)
const pick = (list) => list[below(list.length)]

function makeFile(name, flags, size) {
  const path = join(dir, name)
  const fd = openSync(path, flags)
  if (size > 0) ftruncateSync(fd, size)
  return { path, fd }
}
const main = makeFile('main', 'w+', FILE)
const empty = makeFile('empty', 'w+', 0)
const readOnly = openSync(main.path, 'r')
const closed = openSync(main.path, 'r')
closeSync(closed)
const folder = openSync(dir, 'r')
const NOT_OPEN = 1_000_000

function detached() {
  const buffer = new ArrayBuffer(64)
  const views = [new Uint8Array(buffer), new DataView(buffer, 8), new Float64Array(buffer), buffer]
  structuredClone(buffer, { transfer: [buffer] })
  return pick(views)
}

/** A view that lies outside its buffer now. */
function shrunk() {
  const buffer = new ArrayBuffer(64, { maxByteLength: 128 })
  const view = pick([
    new Uint8Array(buffer, 32, 32),
    new Uint32Array(buffer, 32),
    new DataView(buffer, 40, 8),
    new Uint8Array(buffer),
  ])
  buffer.resize(pick([0, 16, 128]))
  return view
}

class Strange extends Uint8Array {
  get length() {
    return 2 ** 40
  }
}

const explosive = {
  valueOf() {
    throw new Error('a conversion was called')
  },
  toString() {
    throw new Error('a conversion was called')
  },
}

const strangers = [
  () => undefined,
  () => null,
  () => true,
  () => '4096',
  () => '',
  () => 10n,
  () => Symbol('s'),
  () => ({}),
  () => [],
  () => [1, 2, 3],
  () => () => 1,
  () => explosive,
  () => new Proxy(new Uint8Array(8), {}),
  () => new Date(),
  () => new Map(),
  () => Promise.resolve(),
  () => new SharedArrayBuffer(16),
  () => Object.create(Uint8Array.prototype),
  () => Object.create(ArrayBuffer.prototype),
]

const numbers = [
  () => 0,
  () => -0,
  () => 1,
  () => -1,
  () => 0.5,
  () => 4096 * below(20),
  () => below(70_000),
  () => -4096,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 32 + 4096,
  () => 2 ** 52,
  () => 2 ** 53 - 1,
  () => 2 ** 53 - 4096,
  () => 2 ** 53,
  () => 2 ** 63,
  () => 2 ** 64,
  () => 1e300,
  () => Infinity,
  () => -Infinity,
  () => Number.NaN,
  () => 5e-324,
]

/** Readable maps, and those that nothing may touch. */
const maps = []
const untouchable = []

const memory = [
  () => Buffer.alloc(below(300)),
  () => Buffer.from('pooled'),
  () => new Uint8Array(0),
  () => new ArrayBuffer(below(64)),
  () => new DataView(new ArrayBuffer(64), below(64)),
  () => new Float64Array(below(20)),
  () => new Uint16Array(new ArrayBuffer(66), 2),
  () => new BigUint64Array(3),
  () => new Uint8Array(new SharedArrayBuffer(100), below(100)),
  () => new DataView(new SharedArrayBuffer(100)),
  () => new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 64 })),
  () => new Strange(16),
  detached,
  shrunk,
  ...(globalThis.Float16Array ? [() => new globalThis.Float16Array(8)] : []),
]

function mapped(list) {
  const buffer = pick(list)
  if (buffer === undefined) return pick(memory)()
  // No view can be made of one that was unmapped.
  if (buffer.length === 0) return pick([buffer, buffer.buffer])
  const { length } = buffer
  const from = below(length + 1)
  return pick([
    () => buffer,
    () => buffer,
    () => buffer.buffer,
    () => buffer.subarray(from),
    () => buffer.subarray(4096 * below(4)),
    () => new DataView(buffer.buffer, from),
    () => new Uint32Array(buffer.buffer, 0, length >> 2),
  ])()
}

const number = () => (below(12) === 0 ? pick(strangers)() : pick(numbers)())
const readable = () => pick([pick(memory), pick(memory), () => mapped(maps), pick(strangers)])()
const anyMap = () =>
  pick([() => mapped(maps), () => mapped(maps), () => mapped(untouchable), readable])()
// Never a small number: that may be a descriptor of the process itself.
const fd = () =>
  pick([
    () => main.fd,
    () => main.fd,
    () => readOnly,
    () => empty.fd,
    () => folder,
    () => NOT_OPEN,
    () => pick([-1, 2 ** 31, 2 ** 32, Number.NaN, 1e9 + 0.5, Infinity]),
    pick(strangers),
  ])()
const maybe = (make) => () => (below(3) === 0 ? undefined : make())
// None so large that reading it, or setting the space aside, would take the machine.
const size = () => pick([() => 1, () => 4096 * (1 + below(40)), () => below(FILE * 2), number])()
const flag = () => (below(8) === 0 ? pick(strangers)() : below(2) === 0)
const modest = (value) =>
  typeof value === 'number' && value > 1 << 24 && value < 2 ** 53 ? 7 : value

const pending = []
const counts = {}

const functions = {
  map() {
    const protection = pick([0, 1, 1, 2, 3, 3, 4, 5, 7, number])
    const given = typeof protection === 'function' ? protection() : protection
    const advice = maybe(() => pick([0, 1, 2, 3, 4, 14, 15, 22, 100, number()]))()
    const flags = pick([1, 2, 1, 2, 0x8001, 0x8002, 0x4002, 3, 0, 0x10, 0x20, 0x100, number()])
    const buffer = api.map(modest(size()), given, flags, fd(), maybe(number)(), advice)
    ;(given & 3 ? maps : untouchable).push(buffer)
    const list = given & 3 ? maps : untouchable
    if (list.length > 50) list.splice(below(50), 1)
  },
  unmap: () => api.unmap(anyMap()),
  advise: () =>
    below(2) === 0
      ? api.advise(anyMap(), pick([0, 1, 2, 3, 4, 14, 15, 22, 23, 9, number()]))
      : api.advise(anyMap(), number(), number(), pick([0, 1, 2, 3, 4, 22, 23, 100, number()])),
  sync: () =>
    api.sync(
      anyMap(),
      ...pick([[], [flag()], [flag(), flag()], [number(), number(), flag(), flag()]]),
    ),
  incore: () => api.incore(anyMap()),
  allocate: () => api.allocate(fd(), modest(number()), modest(size())),
  fadvise: () => api.fadvise(fd(), number(), number(), pick([0, 1, 2, 3, 4, 5, 6, number()])),
  lock: () =>
    api.lock(
      fd(),
      pick([undefined, {}, { exclusive: flag() }, { waitMs: pick([0, -1, 1e9, '1']) }, null, 7]),
    ),
  unlock: () => api.unlock(fd()),
  writeSync: () =>
    api.writeSync(
      fd(),
      pick([readable, anyMap])(),
      number(),
      number(),
      modest(number()),
      pick([0, 2, 4, 6, 1, number()]),
    ),
  write: () => {
    pending.push(
      api.write(
        fd(),
        pick([readable, anyMap])(),
        number(),
        number(),
        modest(number()),
        pick([undefined, 0, 2, number()]),
      ),
    )
  },
  alignedBuffer: () => api.alignedBuffer(modest(number()), maybe(() => 2 ** below(25))()),
  crc32: () =>
    api.crc32(
      readable(),
      ...[maybe(number), maybe(number), maybe(number)].map((make) => make()).slice(below(4)),
    ),
  crc32Table: () => binding.crc32Table(readable(), number(), number(), number()),
  crc32Each: () =>
    api.crc32Each(
      readable(),
      pick([0, number()]),
      pick([Uint32Array.from({ length: 4 }, (_, i) => i * below(70)), shrunk(), detached()]),
      pick([below(6), number()]),
      pick([0, 4, number()]),
      pick([-1, number()]),
      pick([new Int32Array(below(6)), shrunk(), detached()]),
    ),
  misalignment: () => binding.misalignment(readable(), number()),
  tooFew: () =>
    pick(Object.values(binding).filter((it) => typeof it === 'function'))(
      ...Array.from({ length: below(3) }, () => pick(strangers)()),
    ),
  raw: () => {
    // The binary itself, with memory and numbers anywhere; its first argument is never a descriptor.
    const name = pick(['advise', 'sync', 'incore', 'unmap', 'crc32', 'misalignment', 'map'])
    const first = name === 'map' ? pick(strangers)() : name === 'crc32' ? readable() : anyMap()
    binding[name](first, ...Array.from({ length: below(8) }, number))
  },
}
const names = Object.keys(functions)

function check(name, error) {
  const coded = error instanceof Error && /^(ERR_[A-Z_]+|E[A-Z]+)$/.test(error.code ?? '')
  // The engine's own word on a view or a buffer that cannot be made.
  const engine = error instanceof RangeError && error.code === undefined
  if (!coded && !engine) {
    process.stderr.write(`seed ${seed}: ${name} threw ${error?.stack ?? String(error)}\n`)
    process.exit(1)
  }
  const key = `${name} ${error.code}`
  counts[key] = (counts[key] ?? 0) + 1
}

for (let i = 1; i <= calls; i++) {
  const name = pick(names)
  try {
    functions[name]()
    counts[name] = (counts[name] ?? 0) + 1
  } catch (error) {
    check(name, error)
  }
  if (i % 500 === 0) {
    for (const { status, reason } of await Promise.allSettled(pending.splice(0))) {
      if (status === 'rejected') check('write', reason)
    }
  }
}
await Promise.allSettled(pending)
for (const buffer of maps) for (let at = 0; at < buffer.length; at += 4096) void buffer[at]
rmSync(dir, { recursive: true })
const never = names.filter(
  (name) => !['tooFew', 'raw'].includes(name) && counts[name] === undefined,
)
if (never.length > 0 && scale >= 1) {
  process.stderr.write(`seed ${seed}: never succeeded: ${never.join()}\n`)
  process.exit(1)
}
process.stdout.write(
  `fuzz: seed ${seed}, ${calls} calls, ${Object.keys(counts).length} outcomes, ok\n`,
)
