// `node tools/native/dist/main.js asan|ubsan|valgrind <package> [vitest filter...]`
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { copyPackage } from './copy.ts'
import { run } from './run.ts'
import { type Checker, checker, isChecker } from './checkers.ts'

const root = join(import.meta.dirname, '../../..')
const [kind = '', name = '', ...filters] = process.argv.slice(2)
if (!isChecker(kind) || !existsSync(join(root, 'packages', name, 'native'))) {
  process.stderr.write(
    'usage: main.js asan|ubsan|valgrind <package with native code> [filter...]\n',
  )
  process.exit(2)
}
const copy = copyPackage(root, name)
try {
  process.exitCode = (await check(checker(kind, name), copy.dir)) ? 0 : 1
} finally {
  rmSync(copy.root, { recursive: true })
}

async function check(how: Checker, dir: string): Promise<boolean> {
  const compiled = await step('compile', how, [process.execPath, 'compile.js'], {
    ...process.env,
    CC: how.compiler,
  })
  if (!compiled || !existsSync(join(dir, 'build', `${name}.node`))) return false
  let passed = true
  const env = { ...process.env, ...how.env }
  for (const file of readdirSync(join(dir, 'test/native')).sort()) {
    const program = [process.execPath, '--expose-gc', join(dir, 'test/native', file)]
    passed = (await step(file, how, [...how.prefix, ...program], env)) && passed
  }
  if (!how.vitest) return passed
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const options = ['run', '--pool=forks', '--maxWorkers=1', '--testTimeout=300000']
  const tests = [process.execPath, vitest, ...options, ...filters]
  return (await step('vitest', how, tests, env)) && passed
}

async function step(
  title: string,
  how: Checker,
  command: string[],
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const start = performance.now()
  const { status, output } = await run(command, copy.dir, env)
  const findings = how.findings(output)
  const passed = status === 0 && findings.length === 0
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(`${kind} ${name} ${title}: ${passed ? 'ok' : 'FAILED'} (${seconds} s)\n`)
  if (!passed) process.stdout.write(`${findings.join('\n\n') || output}\n`)
  return passed
}
