// Prints what the stages of .ci/run came to. The last line is `N passed, N failed[, N skipped]`: every
// test of every run of vitest, and every stage that is not itself a run of tests.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @typedef {import('./reporter.js').Report} Report */
/**
 * @typedef {{ name: string, ok: boolean, reports?: Report[], packages?: string[] }} Stage
 * `reports` of a run of tests, and `packages` where not those of all have to be among them
 */

/**
 * @param {Stage[]} stages
 * @param {string[]} packages that have tests, and so must have reported in every run of tests
 * @returns {{ lines: string[], ok: boolean }}
 */
export function summarize(stages, packages) {
  let passed = 0
  /** @type {string[]} */
  const failed = []
  /** @type {Map<string, string[]>} */
  const skipped = new Map()
  for (const stage of stages) {
    if (stage.reports === undefined) {
      if (stage.ok) passed += 1
      else failed.push(stage.name)
      continue
    }
    const problems = (stage.packages ?? packages)
      .filter((name) => !stage.reports?.some((report) => report.package === name))
      .map((name) => `${name}: its tests did not run to the end`)
    for (const report of stage.reports) {
      passed += report.passed
      problems.push(...report.failed.map((name) => `${report.package}: ${name}`))
      for (const { name, reason } of report.skipped) {
        const key = `${report.package}: ${name}: ${reason}`
        skipped.set(key, [...(skipped.get(key) ?? []), stage.name])
      }
    }
    if (!stage.ok && problems.length === 0) problems.push('failed, but no test did')
    failed.push(...problems.map((problem) => `${stage.name}: ${problem}`))
  }
  const count = [...skipped.values()].flat().length
  const lines = [
    ...failed.map((what) => `FAILED   ${what}`),
    ...[...skipped].map(([what, where]) => `skipped  ${what} (${where.join(', ')})`),
    `${passed} passed, ${failed.length} failed${count === 0 ? '' : `, ${count} skipped`}`,
  ]
  return { lines, ok: failed.length === 0 && stages.length > 0 }
}

/**
 * @param {string} file one line a stage: `ok` or `FAILED`, a tab, its name
 * @param {string} reports a directory for each stage that ran tests, of its name; in it a file for each report, and
 *   `groups` where only the packages in some folders were tested
 * @param {string} root
 * @returns {Stage[]}
 */
export function readStages(file, reports, root) {
  const lines = readFileSync(file, 'utf8').trim().split('\n').filter(Boolean)
  return lines.map((line) => {
    const [verdict, name = ''] = line.split('\t')
    const dir = join(reports, name)
    const stage = { name, ok: verdict === 'ok' }
    if (!existsSync(dir)) return stage
    const names = readdirSync(dir).filter((entry) => entry !== 'groups')
    const found = names.map((report) => readFileSync(join(dir, report), 'utf8'))
    const tested = { ...stage, reports: found.map((text) => JSON.parse(text)) }
    const groups = join(dir, 'groups')
    if (!existsSync(groups)) return tested
    return {
      ...tested,
      packages: packagesWithTests(root, readFileSync(groups, 'utf8').split(/\s+/)),
    }
  })
}

/**
 * @param {string} root
 * @param {string[]} groups
 * @returns {string[]}
 */
function packagesWithTests(root, groups = ['packages', 'apps', 'tools']) {
  return groups
    .filter((group) => group !== '')
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
    .map((dir) => join(dir, 'package.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')))
    .filter((manifest) => manifest.scripts?.test !== undefined)
    .map((manifest) => manifest.name)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , root = '', stages = '', reports = ''] = process.argv
  const { lines, ok } = summarize(readStages(stages, reports, root), packagesWithTests(root))
  process.stdout.write(`${lines.join('\n')}\n`)
  process.exitCode = ok ? 0 : 1
}
