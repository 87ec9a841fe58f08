import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkContents } from '../src/contents.ts'

const manifest = {
  name: '@walrus/log',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  bin: { walrus: './dist/main.js' },
  files: ['dist'],
}

/** Checks a tarball that is right but for `changes`; a file changed to undefined is left out. */
function checkWith(changes: Record<string, string | object | undefined>): string[] {
  const unpacked = folder({
    'package.json': manifest,
    'README.md': '# log',
    LICENSE: 'MIT',
    'dist/index.js': '',
    'dist/index.d.ts': '',
    'dist/main.js': '#!/usr/bin/env node\n',
    ...changes,
  })
  return checkContents(unpacked, folder({ 'src/index.ts': '', 'src/main.ts': '' }), 'MIT')
}

function folder(files: Record<string, string | object | undefined>): string {
  const dir = mkdtempSync(join(tmpdir(), 'walrus-pack-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return dir
}

test('a tarball of dist, manifest, README and licence is right', () => {
  expect(checkWith({})).toEqual([])
})

test.each(['README.md', 'LICENSE'])('a missing %s is found', (name) => {
  expect(checkWith({ [name]: undefined })).toEqual([`${name} is missing`])
})

test('what does not belong is found, wherever it lies', () => {
  expect(checkWith({ 'src/index.ts': '', 'tsconfig.json': '{}', distant: '' })).toEqual([
    'distant does not belong in the tarball',
    'src/index.ts does not belong in the tarball',
    'tsconfig.json does not belong in the tarball',
  ])
})

test('a package that compiles at install ships what its files name, and no more', () => {
  const scripts = { install: 'node install.js' }
  const files = ['dist', 'csrc/', './install.js']
  expect(
    checkWith({
      'package.json': { ...manifest, scripts, files },
      'csrc/map.c': '',
      'install.js': '',
      'other.c': '',
    }),
  ).toEqual(['other.c does not belong in the tarball'])
})

test('output whose source is gone is found', () => {
  expect(checkWith({ 'dist/old/name.js': '', 'dist/old/name.d.ts': '' })).toEqual([
    'dist/old/name.d.ts has no source any more; remove dist and build again',
    'dist/old/name.js has no source any more; remove dist and build again',
  ])
})

test('a range that only means something in the workspace is found', () => {
  const dependencies = { '@walrus/codec': 'workspace:^', '@walrus/segment': '^1.0.0' }
  expect(checkWith({ 'package.json': { ...manifest, dependencies } })).toEqual([
    'dependencies holds @walrus/codec@workspace:^',
  ])
})

test('an entry point that is not in the tarball is found', () => {
  expect(checkWith({ 'dist/index.d.ts': undefined, 'dist/main.js': undefined })).toEqual([
    'package.json names dist/index.d.ts, which is not in the tarball',
    'package.json names dist/main.js, which is not in the tarball',
  ])
})

test('a program without a first line that starts Node is found', () => {
  expect(checkWith({ 'dist/main.js': 'run()' })).toEqual([
    'dist/main.js is a program but does not start with #!/usr/bin/env node',
  ])
})

test('another licence is found', () => {
  expect(checkWith({ LICENSE: 'Apache' })).toEqual([
    'LICENSE differs from the one of the repository',
  ])
})
