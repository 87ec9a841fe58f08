/** Row `kv` sees a store that loses a key, splits a transaction, or forgets what it acknowledged. */

import { Kv } from '@walrus/kv'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Counts, Plan } from '../src/plan.ts'
import { kv } from '../src/rows/kv.ts'
import { type KvContents, KvTrace } from '../src/rows/kv-model.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function contents(keys: Record<string, string>, outbox: number): KvContents {
  return { keys: new Map(Object.entries(keys)), outbox }
}

describe('what a crash may leave', () => {
  it('is what some of the calls come to, from the first on, and all that were acknowledged', async () => {
    const trace = new KvTrace()
    await trace.call((keys) => keys.set('a', '1'), 0, true, Promise.resolve())
    await trace.call((keys) => keys.set('b', '2'), 1, true, Promise.resolve())
    await trace.call((keys) => keys.delete('a'), 0, false, Promise.resolve())
    expect([trace.acknowledged, trace.durable]).toEqual([3, 2])
    expect(trace.explains(contents({ a: '1', b: '2' }, 1), 2)).toBe(true)
    expect(trace.explains(contents({ b: '2' }, 1), 2)).toBe(true)
    expect(trace.explains(contents({ a: '1' }, 0), 2)).toBe(false)
    expect(trace.explains(contents({ a: '1', b: '2' }, 0), 2)).toBe(false)
    expect(trace.explains(contents({ a: '1' }, 1), 0)).toBe(false)
    expect(trace.explains(contents({ a: '1' }, 0), 0)).toBe(true)
    expect(trace.explains(contents({}, 1), 0)).toBe(false)
  })
})

describe('a store that does not keep its promises is seen', () => {
  async function foundBy(seeds: number): Promise<string[]> {
    const found: string[] = []
    for (let seed = 0; seed < seeds && found.length === 0; seed++) {
      const violations = await kv.run(new Plan('kv', { seed }), new Counts())
      found.push(...violations.map(({ what }) => what))
    }
    return found
  }

  it('when it says that it has set a key, and has not', async () => {
    const { set } = Kv.prototype
    let sets = 0
    vi.spyOn(Kv.prototype, 'set').mockImplementation(function (this: Kv, ...given) {
      return ++sets % 5 === 0 ? Promise.resolve() : set.apply(this, given)
    })
    expect(await foundBy(10)).not.toEqual([])
  })

  it('when a batch is two', async () => {
    const { batch } = Kv.prototype
    vi.spyOn(Kv.prototype, 'batch').mockImplementation(async function (this: Kv, all, options) {
      await batch.call(this, all.slice(0, 1), options)
      await batch.call(this, all.slice(1), options)
    })
    expect(await foundBy(60)).not.toEqual([])
  })
})
