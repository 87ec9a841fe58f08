// Builds a program of the workspace when, and only when, it is stale.
//
// Fresh means: every file the build reads has the path, size and time noted in the stamp of the last
// build that succeeded, and every output is there. That costs a stat for each file, where asking
// turbo costs a second. Turbo then decides by content what really has to be built again.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.js'
import { closure, inputs, outputs } from './workspace.js'

export class BuildError extends Error {
  /** @override */
  name = 'BuildError'
}

/**
 * @param {string} root of the workspace
 * @param {string} dir of the program's package, relative to `root`
 * @param {string} bin its name in the package's `bin`
 * @returns {Promise<string>} the file to run
 */
export async function ensureBuilt(root, dir, bin) {
  const cache = join(root, 'node_modules/.cache/walrus-start')
  const stamp = join(cache, `${dir.replaceAll(/[\\/]/g, '-')}.stamp`)
  if (!isFresh(root, dir, stamp)) {
    mkdirSync(cache, { recursive: true })
    await withLock(join(cache, 'lock'), () => {
      if (!isFresh(root, dir, stamp)) build(root, dir, stamp)
    })
  }
  const manifest = closure(root, dir)[0]?.manifest
  return join(root, dir, manifest?.bin[bin])
}

/**
 * @param {string} root
 * @param {string} dir
 * @param {string} stamp
 */
function isFresh(root, dir, stamp) {
  const needed = closure(root, dir)
  return (
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === fingerprint(root, inputs(root, needed)) &&
    outputs(needed).every((file) => existsSync(join(root, file)))
  )
}

/**
 * @param {string} root
 * @param {string} dir
 * @param {string} stamp
 */
function build(root, dir, stamp) {
  // Taken before the build: what is edited meanwhile makes the next start build again.
  const needed = closure(root, dir)
  const before = fingerprint(root, inputs(root, needed))
  const name = needed[0]?.name
  process.stderr.write(`walrus: building ${name}\n`)
  // pnpm goes on after a failed install and only warns, so ask again where it matters.
  run(root, 'pnpm', ['install'])
  run(root, 'turbo', ['build', `--filter=${name}`, '--output-logs=errors-only'])
  writeFileSync(stamp, before)
}

/**
 * Runs a tool of the workspace quietly; what it printed is shown when it fails.
 * @param {string} root
 * @param {string} tool
 * @param {string[]} args
 */
function run(root, tool, args) {
  const bin = join(root, 'node_modules/.bin')
  const env = {
    ...process.env,
    PATH: bin + delimiter + process.env.PATH,
    TURBO_TELEMETRY_DISABLED: '1',
  }
  const windows = process.platform === 'win32'
  const done = spawnSync(tool, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 << 20,
    shell: windows,
  })
  if (done.status === 0) return
  process.stderr.write(done.stdout ?? '')
  process.stderr.write(done.stderr ?? '')
  const reason = done.error?.message ?? done.signal ?? `exit code ${done.status}`
  throw new BuildError(`${tool} ${args[0]} failed (${reason})`)
}

/**
 * @param {string} root
 * @param {string[]} files
 */
function fingerprint(root, files) {
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}
