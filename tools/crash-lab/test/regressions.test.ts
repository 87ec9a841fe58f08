/** Plans that once showed a violation. Each stays kept. */

import { expect, it } from 'vitest'
import { Counts, parsePlan } from '../src/plan.ts'
import { ROWS } from '../src/rows/index.ts'

it.for([
  ['a reader that is opened while a writer comes and is killed', 'sharing seed=147'],
  ['a reader that looks where no log is yet, and then a part of one', 'sharing seed=296'],
  ['a reader whose segment the next writer takes over and moves away', 'sharing seed=117'],
])('%s', async ([, text]) => {
  const { row, plan } = parsePlan(text!, ROWS)
  expect(await row.run(plan, new Counts())).toEqual([])
})
