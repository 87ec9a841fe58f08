import { describe, expect, it } from 'vitest'

import type { Measured } from '../src/subject.ts'
import { type Comparison, judge } from '../src/verdict.ts'

function rates(...values: number[]): Measured {
  return { samples: values.map((perSecond) => ({ values: { perSecond } })) }
}

const twice: Comparison = {
  reference: 'peer',
  subjects: ['peer'],
  metric: 'perSecond',
  kind: 'ratio',
  bound: 2,
  unit: '×',
}

describe('a ratio', () => {
  it('is taken inside each round, so that a machine that slows down does not change it', () => {
    const measured = new Map([
      ['ours', rates(200, 200, 20, 20, 20)],
      ['peer', rates(100, 100, 10, 10, 10)],
    ])
    expect(judge(twice, 'ours', measured)).toEqual({
      verdict: 'met',
      agreeing: 5,
      figure: { median: 2, least: 2, most: 2 },
      ours: { median: 20, least: 20, most: 200 },
      against: { subject: 'peer', values: { median: 10, least: 10, most: 100 } },
    })
  })

  it('is missed when its median is below the bound, whatever the best round reached', () => {
    const measured = new Map([
      ['ours', rates(900, 190, 190)],
      ['peer', rates(100, 100, 100)],
    ])
    expect(judge(twice, 'ours', measured)).toMatchObject({
      verdict: 'missed',
      agreeing: 2,
      figure: { median: 1.9 },
    })
  })

  it('without a bound is shown and not judged', () => {
    const measured = new Map([
      ['ours', rates(100)],
      ['peer', rates(100)],
    ])
    const { bound: _, ...shown } = twice
    expect(judge(shown, 'ours', measured)).toMatchObject({
      verdict: 'no target',
      figure: { median: 1 },
    })
  })
})

describe('a reference of several ways', () => {
  const ways: Comparison = { ...twice, subjects: ['slow', 'fast', 'broken'] }

  it('counts with the fastest that ran', () => {
    const measured = new Map<string, Measured>([
      ['ours', rates(300, 300, 300)],
      ['slow', rates(100, 100, 100)],
      ['fast', rates(200, 200, 200)],
      ['broken', { missing: 'it broke', failed: true }],
    ])
    expect(judge(ways, 'ours', measured)).toMatchObject({
      verdict: 'missed',
      against: { subject: 'fast' },
    })
  })

  it('is not run, never met, when none of them ran', () => {
    const absent: Measured = { missing: 'no C compiler', failed: false }
    const measured = new Map<string, Measured>([
      ['ours', rates(300)],
      ['slow', absent],
      ['fast', absent],
      ['broken', absent],
    ])
    expect(judge(ways, 'ours', measured)).toEqual({
      verdict: 'not run',
      reason: 'slow: no C compiler',
    })
  })
})

describe('a difference', () => {
  const atMostTen: Comparison = { ...twice, kind: 'difference', bound: 10, unit: 'ms' }

  it('is met up to the bound and missed above it', () => {
    const empty = rates(5, 6, 7)
    const within = new Map([
      ['ours', rates(15, 16, 17)],
      ['peer', empty],
    ])
    const above = new Map([
      ['ours', rates(16, 17, 18)],
      ['peer', empty],
    ])
    expect(judge(atMostTen, 'ours', within)).toMatchObject({
      verdict: 'met',
      figure: { median: 10 },
    })
    expect(judge(atMostTen, 'ours', above)).toMatchObject({
      verdict: 'missed',
      figure: { median: 11 },
    })
  })
})

describe('our own subject', () => {
  it('that failed is a failure, not a comparison left out', () => {
    const measured = new Map<string, Measured>([
      ['ours', { missing: 'lost an entry', failed: true }],
      ['peer', rates(100)],
    ])
    expect(judge(twice, 'ours', measured)).toEqual({
      verdict: 'failed',
      reason: 'ours: lost an entry',
    })
  })

  it('alone is judged by its own median', () => {
    const alone: Comparison = { ...twice, subjects: [], kind: 'least' }
    expect(judge(alone, 'ours', new Map([['ours', rates(1, 2, 3)]]))).toMatchObject({
      verdict: 'met',
    })
    expect(judge(alone, 'ours', new Map([['ours', rates(1, 1, 3)]]))).toMatchObject({
      verdict: 'missed',
    })
  })
})
