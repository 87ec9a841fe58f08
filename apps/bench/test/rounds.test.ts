import { expect, it } from 'vitest'

import { interleave } from '../src/rounds.ts'
import { NotRun, type Subject } from '../src/subject.ts'

function counting(order: string[], name: string): Subject {
  let runs = 0
  return {
    async run() {
      order.push(name)
      return { values: { run: runs++ } }
    },
  }
}

it('runs the subjects in turn and does not count the warm-up', async () => {
  const order: string[] = []
  const subjects = new Map([
    ['a', counting(order, 'a')],
    ['b', counting(order, 'b')],
  ])
  const measured = await interleave(subjects, 2, () => {})
  expect(order.join('')).toBe('ababab')
  const counted = { samples: [{ values: { run: 1 } }, { values: { run: 2 } }] }
  expect(measured).toEqual(
    new Map([
      ['a', counted],
      ['b', counted],
    ]),
  )
})

it('goes on without a subject that fails, and keeps no half of its samples', async () => {
  const order: string[] = []
  let runs = 0
  const failing: Subject = {
    async run() {
      order.push('b')
      if (++runs === 2) throw new Error('the disk is full')
      return { values: {} }
    },
  }
  const measured = await interleave(
    new Map([
      ['a', counting(order, 'a')],
      ['b', failing],
    ]),
    2,
    () => {},
  )
  expect(order.join('')).toBe('ababa')
  expect(measured.get('b')).toEqual({ missing: 'the disk is full', failed: true })
  expect(measured.get('a')).toMatchObject({ samples: { length: 2 } })
})

it('tells a subject that cannot run here from one that failed', async () => {
  const absent: Subject = {
    async run() {
      throw new NotRun('no C compiler')
    },
  }
  const measured = await interleave(new Map([['c', absent]]), 1, () => {})
  expect(measured.get('c')).toEqual({ missing: 'no C compiler', failed: false })
})
