/**
 * The sites of the packages that keep the log's promises, derived from their sources; nobody registers one.
 *
 * A site is a place where something is made durable (durability.ts), waited for (waits.ts), or checked (checks.ts);
 * each file's head says by which rules it finds them and how it leaves them out. A sync, a wait or a check that is
 * added to the sources is found the next time.
 *
 * A site's name is `package/file.ts function kind#ordinal`, the ordinal counted from 1 within the function: it stays
 * the same while the function's other sites of its kind do. `neutralise.ts` makes the module without a site, and
 * `loader.ts` loads the packages with it.
 */

import ts from 'typescript-6'
import { Checks } from './checks.ts'
import { Decoded } from './decoded.ts'
import { Durability } from './durability.ts'
import { Outcomes } from './outcome.ts'
import { Program } from './program.ts'
import { ROOT } from './root.ts'
import type { Found, Site } from './site.ts'
import { PACKAGES, readSources, type Source } from './sources.ts'
import { unitName, walk } from './units.ts'
import { Waits } from './waits.ts'

interface FoundNode extends Found {
  readonly node: ts.Node
}

/**
 * Every site of the packages under a root, in the order of packages, files and places.
 * @throws Error when the sources do not compile
 */
export function deriveSites(root: string = ROOT, packages: readonly string[] = PACKAGES): Site[] {
  const program = new Program(readSources(root, packages))
  const durability = new Durability(program)
  const decoded = new Decoded(program)
  const checks = new Checks(program, decoded, new Outcomes(program, decoded))
  const finders = [durability, new Waits(program, durability), checks]
  return program.sources.flatMap((source) => {
    const found: FoundNode[] = []
    walk(source.node, (node) => {
      for (const finder of finders) {
        const site = finder.find(node)
        if (site !== undefined) found.push({ ...site, node })
      }
    })
    return named(program, source, found)
  })
}

function named(program: Program, source: Source, all: readonly FoundNode[]): Site[] {
  const counts = new Map<string, number>()
  const { package: name, file, node: text } = source
  const usesFs = importsFs(text)
  return all
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .map(({ node, kind, start, end, edits }) => {
      const unit = program.unitOf(node)
      const where = unit === undefined ? '(module)' : unitName(unit)
      const prefix = `${name}/${file} ${where} ${kind}`
      const ordinal = (counts.get(prefix) ?? 0) + 1
      counts.set(prefix, ordinal)
      return {
        name: `${prefix}#${ordinal}`,
        kind,
        package: name,
        file,
        function: where,
        line: text.getLineAndCharacterOfPosition(start).line + 1,
        text: text.text.slice(start, end).replaceAll(/\s+/g, ' '),
        usesFs,
        edits,
      }
    })
}

function importsFs(file: ts.SourceFile): boolean {
  return file.statements.some(
    (each) =>
      ts.isImportDeclaration(each) &&
      ts.isStringLiteral(each.moduleSpecifier) &&
      each.moduleSpecifier.text.startsWith('node:fs'),
  )
}
