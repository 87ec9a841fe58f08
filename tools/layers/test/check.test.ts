import { describe, expect, test } from 'vitest'
import { checkWorkspace } from './workspace-on-disk.ts'

const needs = (...names: string[]) => ({
  dependencies: Object.fromEntries(names.map((name) => [`@walrus/${name}`, 'workspace:^'])),
})
const needsInTests = (...names: string[]) => ({ devDependencies: needs(...names).dependencies })

test('a workspace whose imports point down has no findings', () => {
  const findings = checkWorkspace({
    'packages/codec': { 'src/index.ts': `export * from './crc.ts'`, 'src/crc.ts': 'export {}' },
    'packages/segment': {
      'package.json': needs('codec'),
      'src/index.ts': `import { crc } from '@walrus/codec'; import 'node:fs'`,
      'test/index.test.ts': `import { test } from 'vitest'; import '../src/index.ts'`,
    },
    'apps/cli': { 'package.json': needs('segment'), 'src/main.ts': `import '@walrus/segment'` },
    'tools/pack': { 'package.json': needs('cli'), 'src/main.ts': `import '@walrus/cli'` },
  })
  expect(findings).toEqual([])
})

describe('an import that does not point down is found', () => {
  test('in each form an import has', () => {
    const findings = checkWorkspace({
      'packages/log': {},
      'packages/segment': {
        'src/a.ts': [
          `import { a } from '@walrus/log'`,
          `import type { A } from '@walrus/log'`,
          `export { b } from '@walrus/log'`,
          `export * from '@walrus/log'`,
          `const c = await import('@walrus/log')`,
          'const d = await import(`@walrus/log`)',
          `type E = import('@walrus/log').E`,
          `import.meta.resolve('@walrus/log')`,
          `require('@walrus/log')`,
          `import '@walrus/log'`,
        ].join('\n'),
      },
    })
    expect(findings).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(
        (line) =>
          `packages/segment/src/a.ts:${line}: @walrus/log is not below @walrus/segment in the layers`,
      ),
    )
  })

  test('but not in a comment or a string', () => {
    const findings = checkWorkspace({
      'packages/log': {},
      'packages/segment': {
        'src/a.ts': `// import '@walrus/log'\nexport const text = "import '@walrus/log'"`,
      },
    })
    expect(findings).toEqual([])
  })

  test.each([
    ['packages/topics', 'packages/kv'],
    ['packages/log', 'packages/storage-mmap'],
    ['packages/storage-mmap', 'packages/log'],
    ['packages/storage-mmap', 'packages/io_uring-node'],
    ['packages/codec', 'packages/mmap-io'],
    ['packages/kv', 'apps/cli'],
    ['apps/bench', 'apps/cli'],
    ['apps/cli', 'tools/pack'],
  ])('from %s to %s', (from, to) => {
    const [name, other] = [from, to].map((dir) => dir.split('/')[1] ?? '')
    const findings = checkWorkspace({
      [from]: { 'package.json': needs(other ?? ''), 'src/a.ts': `import '@walrus/${other}'` },
      [to]: {},
    })
    const wrong = `@walrus/${other} is not below @walrus/${name} in the layers`
    expect(findings).toEqual([`${from}/src/a.ts:1: ${wrong}`, expect.stringContaining(wrong)])
  })

  test.each([
    ['packages/kv', 'packages/storage-sim'],
    ['packages/storage-mmap', 'packages/log'],
  ])('while the tests of %s may use %s', (from, to) => {
    const other = to.split('/')[1] ?? ''
    const findings = checkWorkspace({
      [to]: {},
      [from]: {
        'package.json': needsInTests(other),
        'test/a.test.ts': `import '@walrus/${other}'`,
      },
    })
    expect(findings).toEqual([])
  })

  test('and no test of a log uses a native storage, whose tests use the log', () => {
    const findings = checkWorkspace({
      'packages/storage-mmap': {},
      'packages/log': { 'test/a.test.ts': `import '@walrus/storage-mmap'` },
    })
    expect(findings).not.toEqual([])
  })
})

test('a package without a place in the layers is found', () => {
  expect(checkWorkspace({ 'packages/extra': {} })).toEqual([
    'packages/extra/package.json:1: @walrus/extra has no place in the layers',
  ])
})

describe('going past the public entry is found', () => {
  test.each([
    [
      '@walrus/codec/src/crc.ts',
      '@walrus/codec/src/crc.ts is not among the exports of @walrus/codec',
    ],
    [
      '@walrus/codec/dist/crc.js',
      '@walrus/codec/dist/crc.js is not among the exports of @walrus/codec',
    ],
    [
      '../../codec/src/crc.ts',
      "../../codec/src/crc.ts leads out of the package; use the other package's public entry",
    ],
    [
      '/codec/src/crc.ts',
      "/codec/src/crc.ts leads out of the package; use the other package's public entry",
    ],
  ])('%s', (specifier, wrong) => {
    const findings = checkWorkspace({
      'packages/codec': { 'src/crc.ts': 'export {}' },
      'packages/segment': {
        'package.json': needs('codec'),
        'src/a.ts': `import '@walrus/codec'\nimport '${specifier}'`,
      },
    })
    expect(findings).toEqual([`packages/segment/src/a.ts:2: ${wrong}`])
  })

  test('while a subpath that is exported is a public entry', () => {
    const findings = checkWorkspace({
      'packages/codec': {
        'package.json': {
          exports: { './contract': './c.js', './x/*': './x/*.js', './x/no': null },
        },
      },
      'packages/segment': {
        'package.json': needs('codec'),
        'src/a.ts': `import '@walrus/codec/contract'\nimport '@walrus/codec/x/y'\nimport '@walrus/codec'`,
      },
    })
    expect(findings).toEqual([
      'packages/segment/src/a.ts:3: @walrus/codec is not among the exports of @walrus/codec',
    ])
  })
})

describe('declarations', () => {
  test('an import that is not declared is found', () => {
    const findings = checkWorkspace({
      'packages/codec': { 'src/a.ts': `import 'left-pad/index.js'\nimport '@scope/name/x'` },
    })
    expect(findings).toEqual([
      'packages/codec/src/a.ts:1: left-pad is not declared in package.json',
      'packages/codec/src/a.ts:2: @scope/name is not declared in package.json',
    ])
  })

  test('a tool of the root serves tests only', () => {
    const findings = checkWorkspace({
      'packages/codec': {
        'src/a.ts': `import 'vitest'`,
        'test/a.test.ts': `import 'vitest'`,
        'bench/a.ts': `import 'vitest'`,
      },
    })
    expect(findings).toEqual(['packages/codec/src/a.ts:1: vitest is not declared in package.json'])
  })

  test('a devDependency serves tests only', () => {
    const findings = checkWorkspace({
      'packages/codec': {},
      'packages/segment': {
        'package.json': needsInTests('codec'),
        'src/a.ts': `import '@walrus/codec'`,
        'test/a.test.ts': `import '@walrus/codec'`,
      },
    })
    expect(findings).toEqual([
      'packages/segment/src/a.ts:1: @walrus/codec is a devDependency but used outside tests',
    ])
  })

  test('a devDependency of a private package serves its sources too', () => {
    const findings = checkWorkspace({
      'apps/bench': {
        'package.json': { private: true, devDependencies: { lmdb: '3' } },
        'src/a.ts': `import 'lmdb'`,
      },
    })
    expect(findings).toEqual([])
  })

  test('a workspace dependency that nothing imports is found at its line', () => {
    const findings = checkWorkspace({
      'packages/codec': {},
      'packages/segment': { 'package.json': needs('codec') },
    })
    expect(findings).toEqual([
      'packages/segment/package.json:7: @walrus/codec is declared in dependencies but never imported',
    ])
  })

  test('a built-in without its prefix is found', () => {
    expect(checkWorkspace({ 'packages/codec': { 'src/a.ts': `import 'fs/promises'` } })).toEqual([
      'packages/codec/src/a.ts:1: write node:fs/promises',
    ])
  })
})

describe('inside a package', () => {
  test('cycles are found, one for each group of files, type imports included', () => {
    const findings = checkWorkspace({
      'packages/codec': {
        'src/a.ts': `import './b.ts'`,
        'src/b.ts': `import type { C } from './deep/c.ts'`,
        'src/deep/c.ts': `export * from '../a.ts'; import './c.ts'`,
        'src/self.ts': `import './self.ts'`,
        'src/well.ts': `import './a.ts'; import './b.ts'`,
      },
    })
    expect(findings).toEqual([
      'packages/codec/src/a.ts:1: import cycle: src/a.ts -> src/b.ts -> src/deep/c.ts -> src/a.ts',
      'packages/codec/src/self.ts:1: import cycle: src/self.ts -> src/self.ts',
    ])
  })

  test('a source that imports a test is found', () => {
    const findings = checkWorkspace({
      'packages/codec': { 'src/a.ts': `import '../test/b.ts'`, 'test/b.ts': 'export {}' },
    })
    expect(findings).toEqual(['packages/codec/src/a.ts:1: ../test/b.ts is a test file'])
  })

  test('a source that imports its own package by name is found; a test may', () => {
    const findings = checkWorkspace({
      'packages/codec': {
        'src/a.ts': `import '@walrus/codec'`,
        'test/a.test.ts': `import '@walrus/codec'`,
      },
    })
    expect(findings).toEqual([
      'packages/codec/src/a.ts:1: @walrus/codec is this package itself; import the file',
    ])
  })

  test('a file that does not parse is found, not skipped', () => {
    expect(
      checkWorkspace({ 'packages/codec': { 'src/a.ts': `const a = 1\nimport from` } }),
    ).toEqual([expect.stringMatching(/^packages\/codec\/src\/a\.ts:1: cannot be parsed: line 2: /)])
  })

  test('what is built is not read', () => {
    expect(checkWorkspace({ 'packages/codec': { 'dist/a.js': `import 'left-pad'` } })).toEqual([])
  })
})
