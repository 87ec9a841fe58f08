/**
 * The packed packages, installed elsewhere as npm installs them: with the binaries that come with them, and where
 * there are none and no compiler.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auto } from '../src/index.ts'

const NATIVE = ['mmap-io', 'io_uring-node'] as const
const PACKAGES = ['codec', 'segment', 'log', 'storage-mmap', 'storage-uring', ...NATIVE] as const
const packages = fileURLToPath(new URL('../..', import.meta.url))
const pnpm = join(packages, '..', 'node_modules', '.bin', 'pnpm')
const work = mkdtempSync(join(realpathSync(tmpdir()), 'walrus-installed-'))
const tarballs = new Map<string, string>()

/** Opens a log on the best storage there is; prints which that is, and why no better one. */
const PROGRAM = `
  import { Log } from '@walrus/log'
  import { auto, uring } from '@walrus/storage-uring'
  const { storage, passedOver } = auto()
  const log = await Log.open('data', { storage })
  await log.append('hello')
  const entry = Buffer.from(log.view(1).data).toString()
  await log.close()
  let refusal
  try { uring() } catch (error) { refusal = { code: error.code, message: error.message } }
  console.log(JSON.stringify({ name: storage.name, passedOver, entry, refusal }))
`

function run(command: string, args: readonly string[], cwd: string, env: object = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, npm_config_update_notifier: 'false', ...env },
  })
  expect(`${status}`, stdout + stderr).toBe('0')
  return stdout
}

/** Packs a folder and returns the tarball's path. */
function pack(from: string): string {
  const into = mkdtempSync(join(work, 'packed-'))
  run(pnpm, ['pack', '--pack-destination', into], from)
  return join(into, readdirSync(into)[0]!)
}

/** The same tarball without its binaries. */
function withoutBinaries(tarball: string): string {
  const dir = mkdtempSync(join(work, 'without-'))
  execFileSync('tar', ['-xzf', tarball, '-C', dir])
  rmSync(join(dir, 'package', 'prebuilds'), { recursive: true })
  const packed = join(dir, 'without.tgz')
  execFileSync('tar', ['-czf', packed, '-C', dir, 'package'])
  return packed
}

/** Installs tarballs into a new folder on a machine without a compiler; what the install scripts print comes back. */
function install(given: readonly string[]): { dir: string; printed: string } {
  const dir = mkdtempSync(join(work, 'project-'))
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
  const flags = ['--offline', '--no-audit', '--no-fund', '--foreground-scripts', '--silent']
  return { dir, printed: run('npm', ['install', ...flags, ...given], dir, { CC: '/nonexistent' }) }
}

function resultIn(dir: string, under: readonly string[] = []): Record<string, unknown> {
  writeFileSync(join(dir, 'program.js'), PROGRAM)
  const [command = process.execPath, ...args] = under
  const own = [...(under.length > 0 ? [process.execPath] : []), 'program.js']
  return JSON.parse(run(command, [...args, ...own], dir)) as Record<string, unknown>
}

// What cannot be used here cannot be packed, or not tried.
const usable = auto().storage.name === 'uring'

beforeAll(() => {
  if (!usable) return
  for (const name of PACKAGES) tarballs.set(name, pack(join(packages, name)))
  // What the native packages depend on, to compile; without a network it comes from here.
  const headers = realpathSync(join(packages, 'mmap-io', 'node_modules', 'node-api-headers'))
  const copy = join(work, 'headers')
  mkdirSync(copy)
  execFileSync('tar', [
    '-czf',
    join(copy, 'headers.tgz'),
    '-C',
    join(headers, '..'),
    '--transform',
    's,^node-api-headers,package,',
    'node-api-headers',
  ])
  tarballs.set('node-api-headers', join(copy, 'headers.tgz'))
}, 120_000)

afterAll(() => rmSync(work, { recursive: true, force: true }))

describe.runIf(usable)('installed without a compiler', () => {
  it('the binaries that came with the packages are used', () => {
    const { dir, printed } = install([...tarballs.values()])
    expect(printed.trim()).toBe('')
    for (const name of NATIVE) {
      expect(existsSync(join(dir, 'node_modules/@walrus', name, 'build'))).toBe(false)
    }
    expect(resultIn(dir)).toEqual({ name: 'uring', passedOver: [], entry: 'hello' })
    // What forbids io_uring most often: a seccomp filter, which answers thus.
    const forbidden = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=io_uring_setup']
    const strace = ['strace', ...forbidden, '-e', 'inject=io_uring_setup:error=EPERM']
    if (spawnSync('strace', [...strace.slice(1), 'true']).status !== 0) return
    rmSync(join(dir, 'data'), { recursive: true })
    const result = resultIn(dir, strace)
    expect(result).toMatchObject({
      ...{ name: 'mmap', entry: 'hello' },
      passedOver: [{ name: 'uring', reason: expect.stringMatching(/io_uring|seccomp/) }],
      refusal: { code: 'WALRUS_URING_UNSUPPORTED' },
    })
  })

  it('and without binaries installing goes on with one line each, and auto() falls back', () => {
    const { dir, printed } = install(
      [...tarballs].map(([name, path]) =>
        NATIVE.some((native) => native === name) ? withoutBinaries(path) : path,
      ),
    )
    const lines = printed.trim().split('\n').toSorted()
    expect(lines).toEqual(
      NATIVE.toSorted().map((name) =>
        expect.stringMatching(
          new RegExp(`^${name}: no native binary, going on without: /nonexistent cannot be run`),
        ),
      ),
    )
    const missing = expect.stringContaining('C compiler')
    expect(resultIn(dir)).toEqual({
      ...{ name: 'fd', entry: 'hello' },
      passedOver: [
        { name: 'uring', reason: missing },
        { name: 'mmap', reason: missing },
      ],
      refusal: { code: 'WALRUS_NATIVE_MISSING', message: missing },
    })
  })
})
