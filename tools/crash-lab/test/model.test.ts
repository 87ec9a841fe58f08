/** Row 7 goes through all of a log's interface, the same way each time, and notices what is not as the model says. */

import { Log, type LogEntry } from '@walrus/log'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Counts, Plan } from '../src/plan.ts'
import { model } from '../src/rows/model.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What some seeds find. */
async function whatOf(seeds: number): Promise<string[]> {
  const found: string[] = []
  for (const plan of model.longPlans(0, seeds)) {
    found.push(...(await model.run(plan, new Counts())).map(({ what }) => what))
  }
  return found
}

describe('random commands', () => {
  it('find nothing', async () => {
    expect(await whatOf(60)).toEqual([])
  })

  it('use everything there is', async () => {
    const names = [
      'append',
      'appendSync',
      'appendBatch',
      'get',
      'getSync',
      'range',
      'read',
    ] as const
    const more = ['entries', 'sync', 'refresh', 'stats', 'streams', 'close'] as const
    const spies = [...names, ...more].map((name) => vi.spyOn(Log.prototype, name))
    await whatOf(25)
    const unused = spies.filter((spy) => spy.mock.calls.length === 0)
    expect(unused.map((spy) => spy.getMockName())).toEqual([])
  })

  it('are counted by seed: 2,000 in CI', () => {
    const plans = [...model.ciPlans()]
    expect(plans.length).toBe(2000)
    expect([...model.longPlans(7, 9)].map(String)).toEqual(['model seed=7', 'model seed=8'])
  })
})

describe('a violation', () => {
  it('is found in data that is another', async () => {
    const { getSync } = Log.prototype
    vi.spyOn(Log.prototype, 'getSync').mockImplementation(function (this: Log, index: number) {
      return getSync.call(this, Math.max(1, index - 1))
    })
    const found = await whatOf(40)
    expect(found.some((what) => what.endsWith('has other data'))).toBe(true)
  })

  it('is found in an entry that is left out', async () => {
    const { range } = Log.prototype
    vi.spyOn(Log.prototype, 'range').mockImplementation(async function (this: Log, from, to) {
      return (await range.call(this, from, to)).slice(0, -1)
    })
    const found = await whatOf(20)
    expect(found.some((what) => /reads \d+ of/.test(what))).toBe(true)
  })

  it('is found in an index that is another', async () => {
    const { appendBatch } = Log.prototype
    vi.spyOn(Log.prototype, 'appendBatch').mockImplementation(async function (this: Log, entries) {
      return (await appendBatch.call(this, entries)).toReversed()
    })
    const found = await whatOf(20)
    expect(found.some((what) => what.includes('acknowledged as'))).toBe(true)
  })

  it('is found in a sync that does nothing', async () => {
    vi.spyOn(Log.prototype, 'sync').mockResolvedValue(undefined)
    const found = await whatOf(60)
    expect(found.some((what) => what.startsWith('sync left marks'))).toBe(true)
  })

  it('is found in a reader that never sees more', async () => {
    vi.spyOn(Log.prototype, 'refresh').mockResolvedValue(undefined)
    const found = await whatOf(40)
    expect(found.some((what) => what.includes('the reader beside the writer'))).toBe(true)
  })

  it('is replayed by a plan that ends where it was found', async () => {
    const { getSync } = Log.prototype
    vi.spyOn(Log.prototype, 'getSync').mockImplementation(function (
      this: Log,
      index: number,
    ): LogEntry {
      return getSync.call(this, Math.max(1, index - 1))
    })
    const plans = [...model.longPlans(0, 40)]
    const runs = await Promise.all(plans.map((plan) => model.run(plan, new Counts())))
    const violation = runs.flat().find(({ what }) => what.endsWith('has other data'))!
    const again = await model.run(new Plan('model', violation.plan.values), new Counts())
    expect(again.map(({ what }) => what)).toContain(violation.what)
  })
})
