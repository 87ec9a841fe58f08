// Which packages of the workspace a program is made of, and which files those are built from.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ name: string, dir: string, manifest: Record<string, any> }} Package */

const GROUPS = ['packages', 'apps', 'tools']
const NOT_BUILT_FROM = new Set(['node_modules', 'dist', 'build', 'test', 'coverage'])

/**
 * The package in `dir` (relative to `root`) and every workspace package it needs, directly or not.
 * @param {string} root
 * @param {string} dir
 * @returns {Package[]} the package of `dir` first
 */
export function closure(root, dir) {
  const all = new Map(packages(root).map((found) => [found.name, found]))
  const first = [...all.values()].find((found) => found.dir === dir)
  if (first === undefined) throw new Error(`there is no package in ${dir}`)
  const needed = new Set([first])
  for (const each of needed) {
    for (const name of workspaceDependencies(each.manifest)) {
      const dependency = all.get(name)
      if (dependency !== undefined) needed.add(dependency)
    }
  }
  return [...needed]
}

/**
 * Files a build of these packages reads, relative to `root`.
 * @param {string} root
 * @param {Package[]} needed
 * @returns {string[]}
 */
export function inputs(root, needed) {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.base.json']
  for (const each of needed) collect(root, each.dir, files)
  return files.filter((file) => existsSync(join(root, file)))
}

/**
 * Files that exist once these packages are built, relative to `root`: what `exports` and `bin` name.
 * @param {Package[]} needed
 * @returns {string[]}
 */
export function outputs(needed) {
  return needed.flatMap(({ dir, manifest }) =>
    manifest.scripts?.build === undefined
      ? []
      : [...strings(manifest.exports), ...strings(manifest.bin)].map((path) => join(dir, path)),
  )
}

/**
 * @param {string} root
 * @returns {Package[]}
 */
function packages(root) {
  return GROUPS.filter((group) => existsSync(join(root, group))).flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(group, name))
      .filter((dir) => existsSync(join(root, dir, 'package.json')))
      .map((dir) => {
        const manifest = JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))
        return { name: manifest.name, dir, manifest }
      }),
  )
}

/** @param {Record<string, any>} manifest */
function workspaceDependencies(manifest) {
  return ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((field) =>
    Object.entries(manifest[field] ?? {})
      .filter(([, range]) => String(range).startsWith('workspace:'))
      .map(([name]) => name),
  )
}

/**
 * @param {string} root
 * @param {string} dir
 * @param {string[]} files
 */
function collect(root, dir, files) {
  for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
    if (entry.name.startsWith('.') || NOT_BUILT_FROM.has(entry.name)) continue
    const path = join(dir, entry.name)
    if (entry.isDirectory()) collect(root, path, files)
    else if (!entry.name.endsWith('.md')) files.push(path)
  }
}

/**
 * Every string in a value of `exports` or `bin`, however nested.
 * @param {unknown} value
 * @returns {string[]}
 */
function strings(value) {
  if (typeof value === 'string') return value.includes('*') ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}
