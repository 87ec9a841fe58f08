// A vitest reporter that leaves the counts of a run in a file, with the name and reason of every
// test that was skipped: vitest's own JSON has no reasons.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {object} Report
 * @property {string} package
 * @property {string} node version
 * @property {number} passed
 * @property {string[]} failed names of tests, files that could not be run, errors outside tests
 * @property {{ name: string, reason: string }[]} skipped
 */

export class CountReporter {
  #into

  /** @param {string} into directory for the reports, one file a run */
  constructor(into) {
    this.#into = into
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} errors
   */
  onTestRunEnd(modules, errors) {
    /** @type {Report} */
    const report = {
      package: JSON.parse(readFileSync('package.json', 'utf8')).name,
      node: process.version,
      passed: 0,
      failed: errors.map(({ message }) => `error outside a test: ${message}`),
      skipped: [],
    }
    for (const module of modules) countModule(module, report)
    mkdirSync(this.#into, { recursive: true })
    const name = `${report.package.replaceAll('/', '-')}-${process.pid}.json`
    writeFileSync(join(this.#into, name), JSON.stringify(report))
  }
}

/**
 * @param {import('vitest/node').TestModule} module
 * @param {Report} report
 */
function countModule(module, report) {
  for (const { message } of module.errors()) {
    report.failed.push(`${module.relativeModuleId}: ${message}`)
  }
  for (const suite of module.children.allSuites()) {
    for (const { message } of suite.errors()) report.failed.push(`${suite.fullName}: ${message}`)
  }
  for (const test of module.children.allTests()) {
    const name = `${module.relativeModuleId} > ${test.fullName}`
    const result = test.result()
    if (result.state === 'passed') report.passed += 1
    else if (result.state === 'failed') report.failed.push(name)
    else report.skipped.push({ name, reason: reasonOf(test, result) })
  }
}

/**
 * @param {import('vitest/node').TestCase} test
 * @param {import('vitest/node').TestResult} result neither passed nor failed
 */
function reasonOf(test, result) {
  if (result.state === 'skipped' && result.note) return result.note
  if (result.state === 'pending') return 'never ran'
  return test.options.mode === 'todo' ? 'to do' : 'no reason given'
}
