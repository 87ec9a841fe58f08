/**
 * The sources that are searched for sites, with their types.
 *
 * Packages are compiled together, from source: `@walrus/codec` in the segment package means its `src/index.ts`, so
 * that a symbol is the same one wherever it is used.
 */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { ROOT } from './root.ts'

/** The packages that keep the promises, lowest first. */
export const PACKAGES: readonly string[] = ['codec', 'segment', 'log']

/** A suite of tests that is published, not code that keeps a promise. */
const NOT_SEARCHED = new Set(['contract'])

export interface Source {
  readonly package: string
  /** Relative to the package's `src`, with forward slashes. */
  readonly file: string
  readonly node: ts.SourceFile
}

export interface Sources {
  readonly checker: ts.TypeChecker
  readonly all: readonly Source[]
}

/**
 * Reads and checks the sources of the packages under `root/packages`.
 * @throws Error when a package does not compile: types that are wrong would hide sites
 */
export function readSources(root: string, packages: readonly string[] = PACKAGES): Sources {
  const paths = Object.fromEntries(
    packages.map((name) => [`@walrus/${name}`, [join(root, 'packages', name, 'src/index.ts')]]),
  )
  const files = packages.flatMap((name) => {
    const src = join(root, 'packages', name, 'src')
    return filesIn(src, '').map((file) => ({ package: name, file, path: join(src, file) }))
  })
  const program = ts.createProgram({
    rootNames: files.map(({ path }) => path),
    options: {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      paths,
    },
  })
  const [wrong] = [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics()]
  if (wrong !== undefined) {
    const message = ts.flattenDiagnosticMessageText(wrong.messageText, ' ')
    throw new Error(`the sources do not compile: ${wrong.file?.fileName ?? ''}: ${message}`)
  }
  const all = files.map(({ package: name, file, path }) => ({
    package: name,
    file,
    node: program.getSourceFile(path)!,
  }))
  return { checker: program.getTypeChecker(), all }
}

function filesIn(src: string, below: string): string[] {
  return readdirSync(join(src, below), { withFileTypes: true }).flatMap((entry) => {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) return NOT_SEARCHED.has(entry.name) ? [] : filesIn(src, name)
    return name.endsWith('.ts') ? [name] : []
  })
}
