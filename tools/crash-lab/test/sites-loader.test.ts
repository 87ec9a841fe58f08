// The loader's hooks are Node's own, so what loads with them runs in workers, from what is built.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deriveSites } from '../src/sites/derive.ts'
import { neutralise, type Replacement } from '../src/sites/neutralise.ts'
import type { Site } from '../src/sites/site.ts'

let sites: Site[]
let root: string
let directories = 0

beforeAll(() => {
  sites = deriveSites()
  root = mkdtempSync(join(tmpdir(), 'walrus-sites-'))
})

afterAll(() => rmSync(root, { recursive: true }))

function without(name: string): Replacement {
  const site = sites.find((each) => each.name === name)
  if (site === undefined) throw new Error(`no site ${name}`)
  return neutralise(site)
}

/** What the subject answers, once for each replacement; and how many different logs there were. */
async function loaded(
  replacements: (Replacement | undefined)[],
  what: string,
): Promise<{ answers: unknown[]; logs: unknown }> {
  const dirs = replacements.map(() => join(root, String(++directories)))
  const worker = new Worker(new URL('loading.js', import.meta.url), {
    workerData: { replacements, what, dirs },
  })
  const answers: unknown[] = []
  worker.on('message', (answer) => answers.push(answer))
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
  return { logs: answers.pop(), answers }
}

async function callsWithout(name: string): Promise<{ before: string[]; after: string[] }> {
  const { answers } = await loaded([undefined, without(name)], 'calls')
  const [before, after] = answers as string[][]
  return { before: before!, after: after! }
}

test('every site can be left out and the packages still load, in one thread, each time anew', async () => {
  const { logs } = await loaded(
    sites.map((site) => neutralise(site)),
    'nothing',
  )
  expect(logs).toBe(sites.length)
}, 300_000)

describe('left out', () => {
  test('a sync of a directory is not asked for', async () => {
    const { before, after } = await callsWithout('log/open-writer.ts openWriter directory sync#1')
    const last = before.lastIndexOf(`sync of the directory ${directories - 1}`)
    expect(after.length).toBe(before.length - 2)
    expect(before[last + 2]).toBe('write TAIL durably')
  })

  test('a durable write is one that is not', async () => {
    const { before, after } = await callsWithout('log/writer.ts Writer.#commit durable write#1')
    expect(before[before.indexOf('appended') - 2]).toBe('write 000000000001.seg durably')
    expect(after[after.indexOf('appended') - 2]).toBe('write 000000000001.seg')
    expect(after.length).toBe(before.length)
  })

  test('a wait is over before what was waited for', async () => {
    const { before, after } = await callsWithout('log/tail-keeper.ts TailKeeper.closed wait#1')
    expect(before.slice(-3)).toEqual(['write TAIL durably', 'write TAIL durably done', 'closed'])
    expect(after.slice(-2)).toEqual(['write TAIL durably', 'closed'])
  })

  test('a wait for an operation of a procedure likewise: an entry is acknowledged too early', async () => {
    const { before, after } = await callsWithout('log/writer.ts Writer.#commit wait#2')
    const done = 'write 000000000001.seg durably done'
    expect(before.indexOf('appended')).toBeGreaterThan(before.indexOf(done))
    expect(after.indexOf('appended')).toBeLessThan(after.indexOf(done))
  })

  test('a checksum is believed', async () => {
    const name = 'segment/segment-header.ts decodeSegmentHeader checksum#1'
    const { answers } = await loaded([undefined, without(name), undefined], 'damagedHeader')
    expect(answers).toEqual(['WALRUS_CORRUPT', 'boot 6', 'WALRUS_CORRUPT'])
  })
})
