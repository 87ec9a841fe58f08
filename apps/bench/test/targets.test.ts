import { expect, it } from 'vitest'

import { SUBJECTS } from '../src/subjects.ts'
import { subjectsOf } from '../src/target.ts'
import { TARGETS } from '../src/targets.ts'

it.each(TARGETS)('every subject of "$path" exists', (target) => {
  expect(Object.keys(SUBJECTS)).toEqual(expect.arrayContaining(subjectsOf(target)))
})

it('each path has a name of its own, to be chosen by', () => {
  const paths = TARGETS.map(({ path }) => path)
  expect(new Set(paths).size).toBe(paths.length)
})
