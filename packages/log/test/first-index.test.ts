import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Log, type LogOptions } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()
const FIRST = 9_007_199_254_000_000

async function withLog<T>(options: LogOptions, run: (log: Log) => Promise<T>): Promise<T> {
  const log = await Log.open(dir(), options)
  try {
    return await run(log)
  } finally {
    await log.close()
  }
}

it('a new log can begin with another index than 1, and does so ever after', async () => {
  await withLog({ firstIndex: FIRST }, async (log) => {
    expect([log.firstIndex, log.lastIndex, log.nextIndex]).toEqual([0, 0, FIRST])
    expect(await log.read()).toEqual([])
    await expect(log.get(1)).rejects.toMatchObject({ code: 'WALRUS_INDEX_OUT_OF_RANGE' })
  })
  await withLog({}, async (log) => {
    expect(log.nextIndex).toBe(FIRST)
    expect(await log.append('first')).toBe(FIRST)
    expect(log.appendSync('second')).toBe(FIRST + 1)
    expect(await log.stream('other').append('elsewhere')).toBe(0)
  })
  await withLog({ readOnly: true }, async (log) => {
    expect([log.firstIndex, log.lastIndex]).toEqual([FIRST, FIRST + 1])
    const entries = await log.range(1, FIRST + 9)
    expect(entries.map(({ index, data }) => [index, Buffer.from(data).toString()])).toEqual([
      [FIRST, 'first'],
      [FIRST + 1, 'second'],
    ])
  })
})

it('that index is found again over rotations and truncations', async () => {
  const options = { firstIndex: 1_000, segmentBytes: 65_536 }
  const log = await Log.open(dir(), options)
  for (let n = 0; n < 20; n++) await log.append(Buffer.alloc(10_000, n))
  await log.truncate(1_009)
  await log.truncateFront(1_002)
  const { firstIndex, lastIndex } = log
  expect([firstIndex, lastIndex]).toEqual([1_002, 1_009])
  await log.close()
  const reader = await Log.open(dir(), { readOnly: true })
  expect([reader.firstIndex, reader.lastIndex, (await reader.get(1_005)).data[0]]).toEqual([
    1_002, 1_009, 5,
  ])
  await reader.close()
})

it('a log that is there keeps its own', async () => {
  await withLog({}, async (log) => await log.append('one'))
  await withLog({ firstIndex: 500 }, async (log) => {
    expect(await log.append('two')).toBe(2)
    expect(log.firstIndex).toBe(1)
  })
})

it.each([0, -1, 1.5, 2 ** 53, '7', null])('%s is no first index', async (firstIndex) => {
  const target = join(dir(), 'log')
  const opening = Log.open(target, { firstIndex } as unknown as LogOptions)
  await expect(opening).rejects.toMatchObject({
    code: 'WALRUS_INVALID_OPTION',
    message: expect.stringContaining('firstIndex must be an integer from 1 to') as string,
  })
  expect(existsSync(target)).toBe(false)
})
