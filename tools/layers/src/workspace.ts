// The packages of the workspace: what their manifests declare and which source files they hold.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const GROUPS = ['packages', 'apps', 'tools']
const NOT_SOURCE = new Set(['node_modules', 'dist', 'build', 'coverage', 'fixtures'])
const SOURCE = /\.[cm]?[jt]sx?$/
const TEST = /^(test|bench)\/|\.config\.[cm]?[jt]s$/

export interface Manifest {
  name: string
  private?: boolean
  exports?: unknown
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

export interface Package {
  name: string
  /** Relative to the root, with forward slashes. */
  dir: string
  manifest: Manifest
  /** The text of package.json, to find lines in. */
  text: string
  files: SourceFile[]
}

export interface SourceFile {
  /** Relative to the package, with forward slashes. */
  path: string
  text: string
  /** Whether it only runs in tests or benchmarks, where devDependencies may be used. */
  isTest: boolean
}

export function readManifest(dir: string): { manifest: Manifest; text: string } {
  const text = readFileSync(join(dir, 'package.json'), 'utf8')
  return { manifest: JSON.parse(text) as Manifest, text }
}

export function readPackages(root: string): Package[] {
  return GROUPS.filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((dir) => existsSync(join(root, dir, 'package.json')))
    .sort()
    .map((dir) => {
      const { manifest, text } = readManifest(join(root, dir))
      return { name: manifest.name, dir, manifest, text, files: sourceFiles(join(root, dir), '') }
    })
}

function sourceFiles(dir: string, prefix: string): SourceFile[] {
  return readdirSync(join(dir, prefix), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || NOT_SOURCE.has(entry.name)) return []
    const path = prefix + entry.name
    if (entry.isDirectory()) return sourceFiles(dir, `${path}/`)
    if (!SOURCE.test(entry.name)) return []
    return [{ path, text: readFileSync(join(dir, path), 'utf8'), isTest: TEST.test(path) }]
  })
}
