/**
 * The storage contract as test cases: every sentence of `storage.ts` that can be checked without a
 * crash. What survives a crash is checked elsewhere, with the simulated disk and with killed processes.
 *
 * A case that cannot run on a storage or a machine is reported as skipped, with the reason.
 */

import { directoryCases, renameCases } from './directories.ts'
import { environmentCases } from './environment.ts'
import { fileCases } from './files.ts'
import { lockCases } from './lock.ts'
import { overlapCases } from './overlap.ts'
import { type ContractOptions, caseDefiner } from './suite.ts'
import { WAYS } from './ways.ts'

export type { CaseContext, ContractOptions, Subject } from './suite.ts'

/** Defines the cases with the runner's `describe` and `it`. */
export function storageContract(options: ContractOptions): void {
  const define = caseDefiner(options)
  options.describe(`${options.name} keeps the storage contract`, () => {
    for (const way of WAYS) {
      options.describe(`${way.title} calls`, () => {
        fileCases(define, way)
        renameCases(define, way)
      })
    }
    options.describe('calls under way together', () => overlapCases(define))
    options.describe('directories', () => directoryCases(define))
    options.describe('the lock', () => lockCases(define))
    options.describe('the environment', () => environmentCases(define))
  })
}
