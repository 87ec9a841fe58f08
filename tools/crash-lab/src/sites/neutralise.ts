/**
 * A package's module without one of its sites: the source edited at the site, and made JavaScript.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript-6'
import type { Edit, Site } from './site.ts'
import { ROOT } from './root.ts'

/** What takes a module's place when a package is loaded. */
export interface Replacement {
  /** The module's address, that of a file in the package's `dist`. */
  readonly url: string
  /** JavaScript. */
  readonly source: string
}

/** Where the module that a package's source file becomes is found. */
export function moduleOf(name: string, file: string, root: string = ROOT): string {
  return pathToFileURL(join(root, 'packages', name, 'dist', file.replace(/\.ts$/, '.js'))).href
}

/** The module that a site is in, without the site. */
export function neutralise(site: Site, root: string = ROOT): Replacement {
  const text = readFileSync(join(root, 'packages', site.package, 'src', site.file), 'utf8')
  return {
    url: moduleOf(site.package, site.file, root),
    source: transpile(edited(text, site.edits), site.file),
  }
}

function edited(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((all, { start, end, text: by }) => all.slice(0, start) + by + all.slice(end), text)
}

function transpile(text: string, fileName: string): string {
  const { outputText, diagnostics } = ts.transpileModule(text, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  })
  const [wrong] = diagnostics ?? []
  if (wrong !== undefined) {
    throw new SyntaxError(ts.flattenDiagnosticMessageText(wrong.messageText, ' '))
  }
  return outputText
}
