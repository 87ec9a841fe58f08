// Compiles native/*.c into build/<package>.node by one call of the C compiler, $CC or cc.
//
// `node compile.js [--strict]`: the development build; warnings are errors and fail it. Without a
// compiler it says so in one line and succeeds: everything but the binary can still be built.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)

/** The package's name without its scope, which is the binary's. */
export const name = basename(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name)

/** Warnings as errors: right where the compiler is known, wrong on a stranger's machine. */
export const STRICT = ['-Wall', '-Wextra', '-Wconversion', '-Werror']

/**
 * Replaces the binary in one step, so that a program that loads it meanwhile gets one whole.
 *
 * @param {string[]} [flags] more flags for the compiler
 * @returns {{ ok: true } | { ok: false, missing: boolean, reason: string }} `missing`: there is no
 *   compiler; otherwise `reason` is what it printed
 */
export function compile(flags = []) {
  const [compiler = 'cc', ...own] = (process.env['CC'] || 'cc').split(/\s+/).filter(Boolean)
  const sources = readdirSync(join(root, 'native')).filter((file) => file.endsWith('.c'))
  const target = join(root, 'build', `${name}.node`)
  const temporary = `${target}.${process.pid}`
  mkdirSync(dirname(target), { recursive: true })
  const { error, status, signal, stderr } = spawnSync(
    compiler,
    [
      ...own,
      ...['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden'],
      ...['-D_GNU_SOURCE', '-DNAPI_VERSION=8'],
      // The functions of Node-API come from the program that loads the binary.
      ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
      ...flags,
      ...['-I', require('node-api-headers').include_dir],
      ...sources.map((file) => join(root, 'native', file)),
      ...['-o', temporary],
    ],
    { encoding: 'utf8' },
  )
  if (status === 0) {
    renameSync(temporary, target)
    return { ok: true }
  }
  rmSync(temporary, { force: true })
  if (error !== undefined) {
    return { ok: false, missing: true, reason: `${compiler} cannot be run: ${error.message}` }
  }
  return { ok: false, missing: false, reason: stderr || `${compiler} ended by ${signal ?? status}` }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const done = compile(process.argv.includes('--strict') ? STRICT : [])
  if (!done.ok) {
    process.stderr.write(`${name}: not compiled: ${done.reason.trimEnd()}\n`)
    process.exitCode = done.missing ? 0 : 1
  }
}
