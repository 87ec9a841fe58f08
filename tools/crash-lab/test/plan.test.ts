import { describe, expect, it } from 'vitest'
import { parseArguments } from '../src/arguments.ts'
import { parsePlan } from '../src/plan.ts'
import { ROWS } from '../src/rows/index.ts'

describe('a plan', () => {
  it('reads as it is printed', () => {
    const text = 'crash seed=815 call=17 loss=names-only'
    const { row, plan } = parsePlan(text, ROWS)
    expect(row.name).toBe('crash')
    expect(plan.number('seed')).toBe(815)
    expect(plan.text('loss')).toBe('names-only')
    expect(String(plan)).toBe(text)
  })

  it('is narrowed without being changed', () => {
    const { plan } = parsePlan('crash steps=append:10,sync durability=none', ROWS)
    expect(String(plan.with({ call: 3 }))).toBe('crash steps=append:10,sync durability=none call=3')
    expect(plan.number('call')).toBeUndefined()
  })

  it('of every row reads as its generator prints it', () => {
    for (const row of ROWS) {
      let left = 300
      for (const plan of row.ciPlans()) {
        expect(String(parsePlan(String(plan), ROWS).plan)).toBe(String(plan))
        if (--left === 0) break
      }
    }
  })

  it.for([
    ['', 'a plan begins with a row'],
    ['crush seed=1', 'got "crush"'],
    ['crash seed', 'key=value after its row; got "seed"'],
    ['crash seed=', 'key=value after its row; got "seed="'],
    ['crash sed=1', 'row crash takes seed, steps'],
    ['crash seed=1 seed=2', 'seed is given twice'],
    ['crash seed=-1', 'seed must be a whole number from 0 to 4294967295; got "-1"'],
    ['crash seed=4294967296', 'seed must be'],
    ['crash seed=1e3', 'seed must be'],
    ['crash seed=01', 'seed must be'],
    ['crash loss=all', 'loss must be one of kept, lost'],
    ['crash steps=append:10,jump', 'steps must be'],
    ['crash steps=append:99999999', 'steps must be'],
    ['crash __proto__=1', 'key=value after its row'],
    ['crash constructor=1', 'row crash takes'],
  ])('%j is refused', ([text, message]) => {
    expect(() => parsePlan(text!, ROWS)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(message!),
      }),
    )
  })
})

describe('the command line', () => {
  it('takes a range of seeds, and rows', () => {
    const given = parseArguments(['long', '--seeds', '5-900', '--row', 'again'], ROWS)
    expect(given).toMatchObject({ command: 'long', from: 5, to: 900, rows: [{ name: 'again' }] })
  })

  it.for([
    [['jump'], 'there is no command "jump"'],
    [['long'], '--seeds must be FROM-TO'],
    [['long', '--seeds', '5-5'], 'FROM below TO'],
    [['long', '--seeds', '0-4294967297'], 'at most 2^32'],
    [['long', '--seeds', '1-2', '--replay', 'crash'], 'long takes no --replay'],
    [['--row', 'crush'], 'there is no row "crush": it is one of crash'],
    [['--sed', '1'], '--sed'],
    [['sites', '--seconds', '5'], '--seconds needs --search'],
    [['sites', '--search', '--seconds', '0'], '--seconds must be'],
    [['--site', 'x'], '--site needs --replay'],
  ] as const)('%j is refused', ([args, message]) => {
    expect(() => parseArguments(args, ROWS)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    )
  })
})
