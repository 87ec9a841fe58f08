import ts from 'typescript-6'
import { Durability } from './durability.ts'
import { Program, unitName, walk } from './program.ts'
import type { Found, Site } from './site.ts'
import { PACKAGES, readSources, ROOT, type Source } from './sources.ts'
import { Waits } from './waits.ts'

/** Every site of the packages under a root, in the order of packages, files and lines. */
export function deriveSites(root: string = ROOT, packages: readonly string[] = PACKAGES): Site[] {
  const program = new Program(readSources(root, packages))
  const durability = new Durability(program)
  const finders = [durability, new Waits(program, durability)]
  return program.sources.flatMap((source) => {
    const found: (Found & { node: ts.Node })[] = []
    walk(source.node, (node) => {
      for (const finder of finders) {
        const site = finder.find(node)
        if (site !== undefined) found.push({ ...site, node })
      }
    })
    return named(program, source, found)
  })
}

function named(
  program: Program,
  source: Source,
  all: readonly (Found & { node: ts.Node })[],
): Site[] {
  const counts = new Map<string, number>()
  const { package: inPackage, file, node: text } = source
  return all
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .map(({ node, kind, start, end, edits }) => {
      const unit = program.unitOf(node)
      const where = unit === undefined ? '(module)' : unitName(unit)
      const prefix = `${inPackage}/${file} ${where} ${kind}`
      const ordinal = (counts.get(prefix) ?? 0) + 1
      counts.set(prefix, ordinal)
      return {
        name: `${prefix}#${ordinal}`,
        kind,
        package: inPackage,
        file,
        function: where,
        line: text.getLineAndCharacterOfPosition(start).line + 1,
        text: text.text.slice(start, end).replaceAll(/\s+/g, ' '),
        edits,
      }
    })
}
