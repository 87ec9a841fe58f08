// Every module a source file names, found by a parser: import and export declarations, import()
// of a literal, types by import('x').T, import.meta.resolve('x') and require('x').
import { type Expression, parseSync, Visitor } from 'oxc-parser'

export interface Import {
  specifier: string
  /** Counted from 1. */
  line: number
}

/** @throws SyntaxError naming the line when the text does not parse */
export function importsOf(path: string, text: string): Import[] {
  const { program, errors } = parseSync(path, text)
  const [error] = errors
  if (error !== undefined) {
    throw new SyntaxError(`line ${lineAt(text, error.labels[0]?.start ?? 0)}: ${error.message}`)
  }
  const found: Import[] = []
  const add = (source: Expression | null | undefined): void => {
    const specifier = source && literalText(source)
    if (typeof specifier === 'string') found.push({ specifier, line: lineAt(text, source!.start) })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    CallExpression: (node) => {
      const [argument] = node.arguments
      if (argument === undefined || argument.type === 'SpreadElement') return
      if (isRequire(node.callee) || isMetaResolve(node.callee)) add(argument)
    },
  }).visit(program)
  return found
}

function literalText(node: Expression): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) {
    return node.quasis[0]?.value.cooked ?? undefined
  }
  return undefined
}

function isRequire(callee: Expression): boolean {
  return callee.type === 'Identifier' && callee.name === 'require'
}

function isMetaResolve(callee: Expression): boolean {
  return (
    callee.type === 'MemberExpression' &&
    callee.object.type === 'MetaProperty' &&
    callee.property.type === 'Identifier' &&
    callee.property.name === 'resolve'
  )
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
