// A copy of a package in which another binary can be built without anyone noticing.
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const LEFT_OUT = ['node_modules', 'build', 'prebuilds', '.turbo']

export interface Copy {
  /** To be removed. */
  root: string
  /** The package in it. */
  dir: string
}

/** The same places around the package as in the repository, so that what is looked for upwards is found. */
export function copyPackage(repository: string, name: string): Copy {
  const root = mkdtempSync(join(tmpdir(), 'walrus-native-'))
  const from = join(repository, 'packages', name)
  const dir = join(root, 'packages', name)
  mkdirSync(join(root, 'packages'))
  cpSync(from, dir, {
    recursive: true,
    filter: (path) => path === from || !LEFT_OUT.includes(basename(path)),
  })
  symlinkSync(join(from, 'node_modules'), join(dir, 'node_modules'))
  for (const shared of ['node_modules', 'tools', 'tsconfig.base.json']) {
    symlinkSync(join(repository, shared), join(root, shared))
  }
  cpSync(join(repository, 'vitest.config.ts'), join(root, 'vitest.config.ts'))
  return { root, dir }
}
