// What an unpacked tarball must and must not hold. Each finding is one line.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ALWAYS = ['package.json', 'README.md', 'LICENSE']
const RANGES = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies']

export interface Manifest {
  name: string
  private?: boolean
  files?: string[]
  scripts?: Record<string, string>
  exports?: unknown
  bin?: unknown
  [field: string]: unknown
}

/**
 * @param unpacked folder of the tarball's `package/`
 * @param source folder of the package it was made from
 * @param license text of the repository's licence
 */
export function checkContents(unpacked: string, source: string, license: string): string[] {
  const files = listFiles(unpacked, '')
  const missing = ALWAYS.filter((name) => !files.includes(name)).map((name) => `${name} is missing`)
  if (missing.length > 0) return missing
  const manifest = readManifest(unpacked)
  return [
    ...unexpected(files, manifest),
    ...stale(files, source),
    ...unresolved(manifest),
    ...targets(manifest)
      .filter((target) => !files.includes(target))
      .map(missingTarget),
    ...withoutShebang(unpacked, manifest, files),
    ...(readFileSync(join(unpacked, 'LICENSE'), 'utf8') === license
      ? []
      : ['LICENSE differs from the one of the repository']),
  ]
}

export function readManifest(dir: string): Manifest {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest
}

/** Beside dist only a package that compiles at install may ship something: what its `files` name. */
function unexpected(files: string[], manifest: Manifest): string[] {
  const more = manifest.scripts?.['install'] === undefined ? [] : (manifest.files ?? [])
  const expected = ['dist', ...more.map((entry) => entry.replace(/^\.\/|\/$/g, ''))]
  return files
    .filter((file) => !ALWAYS.includes(file))
    .filter((file) => !expected.some((entry) => file === entry || file.startsWith(`${entry}/`)))
    .map((file) => `${file} does not belong in the tarball`)
}

/** tsc leaves the output of a source that was renamed or removed where it is. */
function stale(files: string[], source: string): string[] {
  return files
    .filter((file) => {
      const match = /^dist\/(.*?)\.(d\.ts|js)$/.exec(file)
      return match !== null && !existsSync(join(source, 'src', `${match[1]}.ts`))
    })
    .map((file) => `${file} has no source any more; remove dist and build again`)
}

function unresolved(manifest: Manifest): string[] {
  return RANGES.flatMap((field) =>
    Object.entries((manifest[field] ?? {}) as Record<string, string>)
      .filter(([, range]) => /^(workspace|link|file|catalog):/.test(range))
      .map(([name, range]) => `${field} holds ${name}@${range}`),
  )
}

function targets(manifest: Manifest): string[] {
  return [...strings(manifest.exports), ...strings(manifest.bin)]
    .filter((target) => !target.includes('*'))
    .map((target) => target.replace(/^\.\//, ''))
}

function missingTarget(target: string): string {
  return `package.json names ${target}, which is not in the tarball`
}

function withoutShebang(unpacked: string, manifest: Manifest, files: string[]): string[] {
  return strings(manifest.bin)
    .map((target) => target.replace(/^\.\//, ''))
    .filter((target) => files.includes(target))
    .filter(
      (target) => !readFileSync(join(unpacked, target), 'utf8').startsWith('#!/usr/bin/env node\n'),
    )
    .map((target) => `${target} is a program but does not start with #!/usr/bin/env node`)
}

/** Every string in a value of `exports` or `bin`, however nested. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}

function listFiles(dir: string, prefix: string): string[] {
  return readdirSync(join(dir, prefix), { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(dir, `${prefix}${entry.name}/`) : [prefix + entry.name],
    )
    .sort()
}
