/** The records that docs/format.md spells out are what the store writes and reads. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { decodeRecord } from '../src/record.ts'
import { openOn } from './simulated.ts'

const text = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8')
const section = text.slice(
  text.indexOf('## Key-value records'),
  text.indexOf('### Key-value snapshots'),
)
const examples = [
  ...section.matchAll(
    /`((?:[0-9a-f]{2} ){2,}[0-9a-f]{2}|[0-9a-f]{2} [0-9a-f]{2})` (sets|deletes)/g,
  ),
].map((match) => match[1]!)

it('each example is what the store writes', async () => {
  expect(examples).toHaveLength(3)
  const kv = await openOn()
  await kv.set('a', 'hi')
  await kv.delete('a')
  await kv.clear({ prefix: 'a' })
  const entries = await kv.log.stream('kv').range(0, 9)
  expect(entries.map(({ data }) => Buffer.from(data).toString('hex'))).toEqual(
    examples.map((example) => example.replaceAll(' ', '')),
  )
  await kv.close()
})

it('lengths of keys are as the document says, up to the longest', async () => {
  const kv = await openOn()
  for (const [length, bytes] of [
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [16_384, [0x80, 0x80, 1]],
    [65_535, [0xff, 0xff, 3]],
  ] as const) {
    const key = 'k'.repeat(length)
    await kv.set(key, 'v', { ttlMs: 1000 })
    await kv.clear({ gte: key, lt: 'l' })
    const [set, clear] = await kv.log.stream('kv').range(kv.position - 2, kv.position)
    expect([...set!.data.subarray(0, 1 + bytes.length)]).toEqual([2, ...bytes])
    expect(set!.data.length).toBe(1 + bytes.length + length + 6 + 1)
    expect(decodeRecord(set!.data, 0)).toMatchObject({ type: 'set', key })
    expect(decodeRecord(clear!.data, 0)).toEqual({ type: 'clear', from: key, until: 'l' })
  }
  await kv.close()
})
