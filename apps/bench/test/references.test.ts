import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { compileLoop, parseLoopOutput } from '../src/native-loop.ts'
import { parseFio, sequentialWrite } from '../src/sequential-write.ts'
import { NotRun } from '../src/subject.ts'

const MIB = 1 << 20

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'walrus-bench-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

it('a heading without its times is no output of a loop', () => {
  expect(parseLoopOutput('2 0.5\n10.0\n11.5\n')).toEqual({
    heading: [2, 0.5],
    latencies: Float64Array.of(10, 11.5),
  })
  expect(() => parseLoopOutput('2 0.5\n10.0\n')).toThrow('printed 1 times under the heading')
  expect(() => parseLoopOutput('')).toThrow('under the heading ""')
})

it('fio is believed only if it wrote everything', () => {
  const output = JSON.stringify({ jobs: [{ write: { io_bytes: MIB, bw_bytes: 2e9 } }] })
  expect(parseFio(output, MIB)).toEqual({ values: { gigabytesPerSecond: 2 } })
  expect(() => parseFio(output, 2 * MIB)).toThrow(`fio wrote ${MIB} of ${2 * MIB} bytes`)
})

const compiler = await compileLoop('memory-read', tmpdir()).then(
  () => true,
  (error: unknown) => {
    if (error instanceof NotRun) return false
    throw error
  },
)

it.runIf(compiler)('the sequential write writes every byte, in writes of 1 MiB', async () => {
  const sample = await (await sequentialWrite(directory, 3 * MIB)).run()
  expect(sample.latencies?.length).toBe(3)
  expect(sample.values['gigabytesPerSecond']).toBeGreaterThan(0)
})

it.runIf(compiler)('the memory is read to the end', async () => {
  const loop = await compileLoop('memory-read', directory)
  const { heading, latencies } = await loop([4 * MIB, 20])
  const [passes = 0, seconds = 0] = heading
  expect(latencies.length).toBe(passes)
  expect(seconds).toBeGreaterThanOrEqual(0.02)
})

it.runIf(compiler).each(['buffered', 'direct'])(
  'the %s sync loop ends when its file is full',
  async (way) => {
    const loop = await compileLoop('sync-loop', directory)
    const output = await loop([way, join(directory, 'data'), 4096, MIB, 0, 60_000, '']).catch(
      (error: unknown) => error,
    )
    if (output instanceof NotRun) return
    // One of the 256 ended the warm-up.
    expect(output).toMatchObject({ heading: [255, expect.any(Number), 0, 0] })
  },
)
