import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ensureBuilt } from '../lib/build.js'

// A workspace of two packages, with stand-ins for pnpm and turbo that note that they were called.
let root: string
let calls: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'walrus-start-'))
  calls = join(root, 'calls')
  writeFileSync(calls, '')
  file('package.json', '{}')
  file('packages/log/package.json', manifest('log', {}))
  file('packages/log/src/index.ts', 'export {}')
  file('packages/other/package.json', manifest('other', {}))
  file('packages/other/src/index.ts', 'export {}')
  file('apps/cli/package.json', manifest('cli', { '@x/log': 'workspace:^' }))
  file('apps/cli/src/main.ts', 'export {}')
  tool('pnpm', `echo pnpm $@ >> ${calls}`)
  tool(
    'turbo',
    `echo turbo $@ >> ${calls}; mkdir -p apps/cli/dist packages/log/dist
    touch apps/cli/dist/main.js packages/log/dist/main.js`,
  )
})

afterEach(() => {
  vi.restoreAllMocks()
  rmSync(root, { recursive: true })
})

function file(path: string, text: string, mode = 0o644): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text, { mode })
}

function tool(name: string, script: string): void {
  file(`node_modules/.bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755)
}

function manifest(name: string, dependencies: Record<string, string>): string {
  const bin = { walrus: './dist/main.js' }
  return JSON.stringify({ name: `@x/${name}`, bin, scripts: { build: 'tsc' }, dependencies })
}

function builds(): number {
  return readFileSync(calls, 'utf8').match(/^turbo build/gm)?.length ?? 0
}

function silence(): { text: () => string } {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  return { text: () => write.mock.calls.map(([chunk]) => String(chunk)).join('') }
}

describe('a program is built', () => {
  beforeEach(() => {
    silence()
  })

  test('the first time, after the install was checked, and its file is returned', async () => {
    expect(await ensureBuilt(root, 'apps/cli', 'walrus')).toBe(join(root, 'apps/cli/dist/main.js'))
    expect(readFileSync(calls, 'utf8')).toBe(
      'pnpm install\nturbo build --filter=@x/cli --output-logs=errors-only\n',
    )
  })

  test('not again while nothing changed', async () => {
    await ensureBuilt(root, 'apps/cli', 'walrus')
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(1)
  })

  test.each([
    ['a source of its own', 'apps/cli/src/main.ts'],
    ['a source of a package it needs', 'packages/log/src/index.ts'],
    ['a manifest', 'packages/log/package.json'],
    ['the root manifest', 'package.json'],
  ])('again after a change of %s', async (_, path) => {
    await ensureBuilt(root, 'apps/cli', 'walrus')
    utimesSync(join(root, path), 1, 1)
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(2)
  })

  test('again after a source was added', async () => {
    await ensureBuilt(root, 'apps/cli', 'walrus')
    file('packages/log/src/new.ts', '')
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(2)
  })

  test('again when an output is missing', async () => {
    await ensureBuilt(root, 'apps/cli', 'walrus')
    rmSync(join(root, 'packages/log/dist'), { recursive: true })
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(2)
  })

  test('not again after a change of tests, or of a package it does not need', async () => {
    await ensureBuilt(root, 'apps/cli', 'walrus')
    file('apps/cli/test/main.test.ts', '')
    file('packages/other/src/index.ts', 'export const other = 1')
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(1)
  })

  test('once when several start together', async () => {
    const start = `import { ensureBuilt } from ${JSON.stringify(import.meta.resolve('../lib/build.js'))}
      await ensureBuilt(${JSON.stringify(root)}, 'apps/cli', 'walrus')`
    const run = promisify(execFile)
    await Promise.all(
      [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '-e', start])),
    )
    expect(builds()).toBe(1)
  })
})

describe('what fails is shown, and tried again at the next start', () => {
  test('a failing build', async () => {
    tool('turbo', `echo turbo build >> ${calls}; echo 'type error'; exit 2`)
    const stderr = silence()
    const failing = () => ensureBuilt(root, 'apps/cli', 'walrus')
    await expect(failing).rejects.toThrow('turbo build failed (exit code 2)')
    await expect(failing).rejects.toThrow('turbo build failed (exit code 2)')
    expect(stderr.text()).toContain('type error')
    expect(builds()).toBe(2)
  })

  test('a failing install, before anything is built', async () => {
    tool('pnpm', `echo 'no such version' >&2; exit 1`)
    const stderr = silence()
    await expect(ensureBuilt(root, 'apps/cli', 'walrus')).rejects.toThrow(
      'pnpm install failed (exit code 1)',
    )
    expect(stderr.text()).toContain('no such version')
    expect(builds()).toBe(0)
  })

  test('a lock left by a process that is gone holds nothing up', async () => {
    silence()
    const gone = 2 ** 22 + 1 // above the highest process id Linux gives
    file('node_modules/.cache/walrus-start/lock', String(gone))
    await ensureBuilt(root, 'apps/cli', 'walrus')
    expect(builds()).toBe(1)
  })
})
