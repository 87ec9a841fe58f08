/** `walrus import` and `walrus export`, on directories as the earlier systems write them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encodeFrame, encodeKvRecord, entryCodec } from '@walrus/codec'
import { expect, it } from 'vitest'
import { freshDirectory, start, walrus } from './walrus.ts'

const SEGMENT = 'segment_00000000000000000001.wal'

function goLog(count: number, size = 5): { source: string; bytes: Buffer; dir: string } {
  const dir = freshDirectory()
  const source = join(dirname(dir), 'old')
  mkdirSync(source)
  const frames = Array.from({ length: count }, (_, at) =>
    encodeFrame(entryCodec('binary'), {
      index: BigInt(at + 1),
      term: 1n,
      data: Buffer.from(`e${at + 1}`.padEnd(size)),
      timestamp: 0n,
      transactionId: '',
    }),
  )
  const bytes = Buffer.concat(frames)
  writeFileSync(join(source, SEGMENT), bytes)
  return { source, bytes, dir }
}

it('brings a Go log in, and writes it back byte for byte', async () => {
  const { source, bytes, dir } = goLog(3)
  const { code, stdout, stderr } = await walrus(['import', source, '--dir', dir])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.toString()).toBe(`format    go\nimported  3 entries, 15 B\ninto      ${dir}\n`)
  const read = await walrus(['read', '--dir', dir, '--from', '2'])
  expect(read.stdout.toString()).toBe('e2   \ne3   \n')
  const back = join(dirname(dir), 'back')
  const exported = await walrus(['export', back, '--format', 'go', '--dir', dir])
  expect(exported.stdout.toString()).toBe(`3 entries written into ${back}\n`)
  expect(readFileSync(join(back, SEGMENT)).equals(bytes)).toBe(true)
  const lines = await walrus(['export', '--format', 'jsonl', '--dir', dir])
  expect(
    lines.stdout
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  ).toMatchObject([1, 2, 3].map((index) => ({ index, term: '1', data: `e${index}   ` })))
})

it('brings a key-value store in, and writes it back', async () => {
  const dir = freshDirectory()
  const source = join(dirname(dir), 'old')
  mkdirSync(source)
  const set = encodeKvRecord({ op: 'set', key: Buffer.from('k'), value: Buffer.from('v') })
  writeFileSync(join(source, 'wal-0001.log'), Buffer.concat([set, set]))
  const report = await walrus(['import', source, '--dir', dir, '--json'])
  expect(JSON.parse(report.stdout.toString())).toMatchObject({ format: 'kv', records: 2 })
  const back = join(dirname(dir), 'back')
  const exported = await walrus(['export', back, '--format', 'kv', '--dir', dir])
  expect(exported.stdout.toString()).toBe(`1 key written into ${back}\n`)
  expect(readFileSync(join(back, 'wal-0001.log')).equals(set)).toBe(true)
})

it('tells of a torn end, and stops at damage unless it is to salvage', async () => {
  const { source, bytes, dir } = goLog(3)
  const path = join(source, SEGMENT)
  writeFileSync(path, bytes.subarray(0, -4))
  const torn = await walrus(['import', source, '--dir', dir])
  expect(torn.code).toBe(0)
  expect(torn.stderr).toContain(`walrus: torn: ${path} at byte 90: the last entry is not whole`)
  expect(torn.stdout.toString()).toContain('left out  1 place')
  const other = join(dirname(dir), 'other')
  writeFileSync(path, Buffer.from(bytes).fill(0xff, 60, 61))
  const damaged = await walrus(['import', source, '--dir', other])
  expect(damaged.code).toBe(3)
  expect(damaged.stderr).toContain('a damaged entry')
  expect(damaged.stderr).toContain('(WALRUS_CORRUPT)')
})

it('goes on where it was interrupted', async () => {
  const { source, dir } = goLog(3_000, 40_000)
  const running = start(['import', source, '--dir', dir])
  await expect.poll(() => exists(join(dir, 'TAIL')), { timeout: 30_000, interval: 5 }).toBe(true)
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  // It may have been quicker.
  if (code !== 0) {
    expect([code, stderr]).toEqual([
      130,
      'walrus: SIGINT: the same command goes on where this one stopped\n',
    ])
  }
  const again = await walrus(['import', source, '--dir', dir])
  expect(again.stdout.toString()).toContain('imported  3,000 entries')
  expect(again.stdout.toString()).toContain('went on')
  const last = await walrus(['read', '--dir', dir, '--from', '3000', '--json'])
  expect(JSON.parse(last.stdout.toString())).toMatchObject({ index: 3_000 })
}, 60_000)

it.each([
  [['import'], "missing required argument 'source'"],
  [['import', 'a', 'b'], 'too many arguments'],
  [['import', 'a', '--from', 'java'], 'Use auto, go, rust, kv.'],
  [['export', 'a'], "required option '--format <format>' not specified"],
  [['export', '--format', 'go'], 'go needs a directory to write into'],
  [['export', 'a', '--format', 'jsonl'], 'leave the directory out'],
] as const)('refuses %j', async (args, why) => {
  const { code, stderr, stdout } = await walrus([...args])
  expect([code, stdout.length]).toEqual([2, 0])
  expect(stderr).toContain(why)
})

it('a directory that is none of theirs is refused', async () => {
  const { dir, source } = goLog(1)
  const { code, stderr } = await walrus(['import', dirname(source), '--dir', dir])
  expect(code).toBe(1)
  expect(stderr).toContain(`${source} looks like one`)
})

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}
