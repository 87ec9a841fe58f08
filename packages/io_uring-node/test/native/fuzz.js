// Every function with hostile arguments, by seed: each call succeeds, or throws an error with a code.
//
// `node --expose-gc fuzz.js [seed]`; WALRUS_TEST_SCALE asks for more calls or fewer.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as api from '../../dist/index.js'

const binding = createRequire(import.meta.url)('../../build/io_uring-node.node')
const seed = Number(process.argv[2] ?? 1)
const scale = Number(process.env['WALRUS_TEST_SCALE'] ?? 1)
const calls = 30_000 * scale
const dir = mkdtempSync(join(tmpdir(), 'walrus-fuzz-'))

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

const path = join(dir, 'main')
const main = openSync(path, 'w+')
writeSync(main, Buffer.alloc(64 << 10, 1))
const readOnly = openSync(path, 'r')
const folder = openSync(dir, 'r')
execFileSync('mkfifo', [join(dir, 'pipe')])
const pipe = openSync(join(dir, 'pipe'), 'r+')
const NOT_OPEN = 1_000_000

function detached() {
  const buffer = new ArrayBuffer(64)
  const views = [new Uint8Array(buffer), new DataView(buffer, 8), new Float64Array(buffer), buffer]
  structuredClone(buffer, { transfer: [buffer] })
  return pick(views)
}

/** A view that lies outside its buffer now, or will soon. */
function shrunk() {
  const buffer = new ArrayBuffer(1 << 20, { maxByteLength: 1 << 20 })
  const view = pick([
    new Uint8Array(buffer, 1 << 19, 320),
    new Uint32Array(buffer, 32),
    new DataView(buffer, 1 << 19, 80),
    new Uint8Array(buffer),
  ])
  const cut = () => buffer.resize(pick([0, 16, 4096]))
  if (below(2) === 0) cut()
  else queueMicrotask(cut)
  return view
}

class Strange extends Uint8Array {
  get length() {
    return 2 ** 40
  }
  get byteLength() {
    throw new Error('a getter was called')
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
  () => 10n,
  () => Symbol('s'),
  () => ({}),
  () => [],
  // No small numbers: as descriptors they are those of the process itself.
  () => [NOT_OPEN, 2 ** 31],
  () => () => 1,
  () => explosive,
  () => new Proxy(new Uint8Array(8), {}),
  () => new Proxy([], {}),
  () => new Date(),
  () => Promise.resolve(),
  () => new SharedArrayBuffer(16),
  () => Object.create(Uint8Array.prototype),
  () => Object.create(api.Ring.prototype),
]

const numbers = [
  () => 0,
  () => -0,
  () => 1,
  () => -1,
  () => 0.5,
  () => below(70_000),
  () => 4096 * below(20),
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53 - 1,
  () => 2 ** 53,
  () => 2 ** 64,
  () => 1e300,
  () => Infinity,
  () => -Infinity,
  () => Number.NaN,
]

const shared = []
function allocated() {
  if (shared.length === 0 || below(5) === 0) shared.push(api.allocate(1 + below(20_000)))
  if (shared.length > 20) shared.splice(below(20), 1)
  const memory = pick(shared)
  // Transferred away by an earlier call.
  if (memory.buffer.byteLength === 0) return memory
  const view = memory.subarray(below(memory.length), below(memory.length + 1))
  if (below(200) === 0) memory.buffer.transfer?.(pick([undefined, 0, 10, 40_000]))
  return view
}

const memory = [
  allocated,
  allocated,
  allocated,
  () => Buffer.alloc(below(9000)),
  () => Buffer.from('pooled'),
  () => new Uint8Array(0),
  () => new ArrayBuffer(below(64)),
  () => new DataView(new ArrayBuffer(64), below(64)),
  () => new Float64Array(below(20)),
  () => new Uint8Array(new SharedArrayBuffer(100), below(100)),
  () => new DataView(new SharedArrayBuffer(100)),
  () => new Strange(16),
  () => {
    const buffer = new Uint8Array(300)
    queueMicrotask(() => structuredClone(buffer.buffer, { transfer: [buffer.buffer] }))
    return buffer
  },
  detached,
  shrunk,
  ...(globalThis.Float16Array ? [() => new globalThis.Float16Array(8)] : []),
]

const rings = []
let files = []
function ring() {
  if (rings.length < 3) rings.push(new api.Ring({ entries: pick([1, 4, 64]) }))
  if (below(400) === 0) pending.push(rings.splice(below(rings.length), 1)[0].close())
  return pick(rings) ?? ring()
}

const number = () => (below(8) === 0 ? pick(strangers)() : pick(numbers)())
const anything = () => (below(8) === 0 ? pick(strangers)() : pick(memory)())
// Never a small number: that may be a descriptor of the process itself.
const fd = () =>
  pick([
    () => main,
    () => main,
    () => main,
    () => readOnly,
    () => folder,
    () => NOT_OPEN,
    () => pick(files),
    () => pick([-1, 2 ** 31, 2 ** 32, Number.NaN, 1e9 + 0.5, Infinity]),
    pick(strangers),
  ])()
// None so far out that the file would take the disk.
const position = () => pick([() => below(70_000), () => 0, number])()
const sparse = (value) =>
  typeof value === 'number' && value > 1 << 24 && value < 2 ** 53 ? 7 : value
const flag = () => (below(20) === 0 ? pick(strangers)() : below(2) === 0)
const several = (make, most) => Array.from({ length: below(most) }, make)
const list = (make, most) => (below(10) === 0 ? pick(strangers)() : several(make, most))

function operation() {
  const op = pick(['write', 'write', 'writev', 'read', 'read', 'fsync', pick(strangers)()])
  const all = { op, fd: fd() }
  if (op === 'writev') all.buffers = list(anything, 5)
  else if (op !== 'fsync') all.buffer = anything()
  if (op !== 'fsync') all.position = sparse(position())
  if (below(6) === 0) all.link = flag()
  if (below(12) === 0) all[pick(['dsync', 'dataOnly', 'lnik'])] = flag()
  return below(30) === 0 ? pick(strangers)() : all
}

const pending = []
const counts = {}

const functions = {
  write: () => void pending.push(ring().write(fd(), anything(), sparse(position()))),
  writeSync: () =>
    ring().writeSync(
      fd(),
      anything(),
      sparse(position()),
      pick([undefined, { dsync: flag() }, number()]),
    ),
  writev: () => void pending.push(ring().writev(fd(), list(anything, 6), sparse(position()))),
  writevSync: () => ring().writevSync(fd(), list(anything, 6), sparse(position())),
  read: () => void pending.push(ring().read(fd(), anything(), position())),
  readSync: () => ring().readSync(fd(), anything(), position()),
  readPipe: () => {
    if (below(10) > 0) return
    pending.push(ring().read(pipe, anything(), 0))
    for (let i = 0; i < 3; i++) writeSync(pipe, 'x')
  },
  fsync: () =>
    below(20) === 0 &&
    void pending.push(ring().fsync(fd(), pick([undefined, { dataOnly: flag() }]))),
  submit: () => void pending.push(ring().submit(list(operation, 7))),
  submitAndWait: () => ring().submitAndWait(list(operation, 7)),
  registerFiles: () => {
    files = ring().registerFiles(list(() => pick([main, -1, fd()]), 5))
  },
  updateFile: () => ring().updateFile(pick([pick(files), pick(strangers)()]), fd()),
  unregisterFiles: () => ring().unregisterFiles(),
  registerBuffers: () => ring().registerBuffers(list(() => pick([allocated, anything])(), 4)),
  unregisterBuffers: () => ring().unregisterBuffers(),
  allocate: () => api.allocate(pick([below(100_000), number])),
  Ring: () => {
    const made = new api.Ring(
      pick([undefined, { entries: pick([1, 7, 4097, number()]) }, number()]),
    )
    if (below(2) === 0) pending.push(made.close())
  },
  raw: () => {
    // The binary itself, with anything in place of a ring and of every other argument.
    const names = Object.keys(binding).filter((name) => !['start', 'open', 'probe'].includes(name))
    const any = () =>
      pick([number, anything, () => pick(strangers)(), () => several(anything, 4)])()
    const first = below(2) === 0 ? any() : 4096 * below(1000) + below(4)
    binding[pick(names.filter((name) => ['where', 'allocate'].includes(name)))](modest(first))
    binding[pick(names)](
      pick([-1, 2 ** 52, Number.NaN, pick(strangers)()]),
      any(),
      any(),
      any(),
      any(),
    )
  },
}
const modest = (value) => (typeof value === 'number' && value > 1 << 24 ? 7 : value)
const names = Object.keys(functions)

function check(name, error) {
  const code = error instanceof Error ? String(error.code ?? '') : ''
  if (!/^(ERR_[A-Z_]+|E[A-Z0-9]+)$/.test(code)) {
    process.stderr.write(`seed ${seed}: ${name} threw ${error?.stack ?? String(error)}\n`)
    process.exit(1)
  }
  const key = `${name} ${code}`
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
  if (i % 100 === 0 || pending.length > 200) {
    // A chain may have left a read of the pipe without its byte.
    const settled = Promise.allSettled(pending.splice(0))
    const timer = setInterval(() => writeSync(pipe, 'x'), 20)
    for (const { status, reason } of await settled) {
      if (status === 'rejected') check('promise', reason)
    }
    clearInterval(timer)
  }
  if (i % 5000 === 0) globalThis.gc?.()
}
await Promise.allSettled(pending)
for (const each of rings) await each.close()
closeSync(pipe)
rmSync(dir, { recursive: true })
const never = names.filter((name) => name !== 'raw' && counts[name] === undefined)
if (never.length > 0 && scale >= 1) {
  process.stderr.write(`seed ${seed}: never succeeded: ${never.join()}\n`)
  process.exit(1)
}
process.stdout.write(
  `fuzz: seed ${seed}, ${calls} calls, ${Object.keys(counts).length} outcomes, ok\n`,
)
