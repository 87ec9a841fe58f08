/** Cases in worker threads: bounded, counted, and the same whichever thread runs them. */

import { afterEach, describe, expect, it } from 'vitest'
import { merged, missing } from '../src/long.ts'

// The threads run what is built: the pool finds its worker beside itself.
const { Pool } = (await import('../dist/pool.js' as string)) as typeof import('../src/pool.ts')

let pool: InstanceType<typeof Pool> | undefined
afterEach(async () => await pool?.close())

describe('the pool', () => {
  it('runs every case of every job, and adds up what they count', async () => {
    pool = new Pool({ threads: 2 })
    const seen: string[] = []
    const jobs = [0, 1, 2].map((job) => ({
      plans: [0, 1].map((at) => `again seed=${job * 2 + at}`),
    }))
    await pool.run(jobs, ({ plan, violations, counts }) => {
      seen.push(plan)
      expect(violations).toEqual([])
      expect(counts.seeds).toBe(1)
    })
    expect(seen.toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((seed) => `again seed=${seed}`))
  })

  it('ends a case that does not come to its end, and goes on with the next', async () => {
    pool = new Pool({ threads: 1, caseMs: 400 })
    // Such a replacement of a module never gives anything back once it is called.
    const url = new URL('../../../packages/log/dist/analysis.js', import.meta.url).href
    const source =
      'export const bootOf = () => { for (;;); }; export const analyse = async () => undefined;' +
      'export const continues = () => false'
    const found: string[] = []
    const plans = ['crash seed=1', 'crash seed=2']
    await pool.run([{ plans, replacement: { url, source } }], ({ plan, violations }) => {
      found.push(`${plan}: ${violations.map(({ what }) => what).join()}`)
    })
    expect(found).toEqual(plans.map((plan) => `${plan}: did not end in 400 ms`))
  })

  it('gives a row the node:fs it is to run on', async () => {
    pool = new Pool({ threads: 1 })
    const found: unknown[] = []
    await pool.run([{ plans: ['fd'] }], ({ violations, counts }) => {
      found.push(violations)
      expect(counts.crashPoints).toBeGreaterThan(200)
    })
    expect(found).toEqual([[]])
  })

  it('says so when what it is to run cannot be loaded', async () => {
    pool = new Pool({ threads: 1 })
    const url = new URL('../../../packages/log/dist/analysis.js', import.meta.url).href
    const job = { plans: ['crash seed=1'], replacement: { url, source: 'this is no module' } }
    await expect(pool.run([job], () => {})).rejects.toThrow('cannot load')
  })

  it('stops at the first violation where that is all that is wanted', async () => {
    pool = new Pool({ threads: 1, caseMs: 20_000 })
    const url = new URL('../../../packages/log/dist/analysis.js', import.meta.url).href
    const source =
      'export const bootOf = () => 1; export const analyse = async () => undefined;' +
      'export const continues = () => false'
    const seen: string[] = []
    const plans = [0, 1, 2, 3, 4, 5, 6, 7].map((seed) => `again seed=${seed}`)
    const job = { plans, replacement: { url, source }, untilViolation: true }
    await pool.run([job], ({ violations }) => {
      seen.push(...violations.slice(0, 1).map(({ plan }) => plan))
    })
    expect(seen).toHaveLength(1)
  })
})

describe('long runs', () => {
  const run = (from: number, to: number, commit = 'abc') => ({
    ...{ row: 'crash', from, to, commit, cases: to - from },
    ...{ workloads: 1, crashPoints: 2, recoveries: 3, seeds: to - from, faults: 0 },
  })

  it('go on where they stopped', () => {
    expect(missing([], 'crash', 0, 25_000)).toEqual([
      { from: 0, to: 10_000 },
      { from: 10_000, to: 20_000 },
      { from: 20_000, to: 25_000 },
    ])
    expect(missing([run(0, 12_000), run(14_000, 20_000)], 'crash', 0, 21_000)).toEqual([
      { from: 12_000, to: 14_000 },
      { from: 20_000, to: 21_000 },
    ])
    expect(missing([run(0, 500)], 'crash', 100, 400)).toEqual([])
    expect(missing([run(0, 500)], 'again', 100, 400)).toEqual([{ from: 100, to: 400 }])
  })

  it('of one commit that join are one, and their counts add up', () => {
    const [one, ...more] = merged([run(0, 10)], run(10, 30))
    expect(more).toEqual([])
    expect(one).toMatchObject({ from: 0, to: 30, cases: 30, recoveries: 6, seeds: 30 })
    expect(merged([run(0, 10)], run(11, 30))).toHaveLength(2)
    expect(merged([run(0, 10)], run(10, 30, 'def'))).toHaveLength(2)
  })
})
