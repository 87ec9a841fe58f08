/**
 * What makes something durable, found by type.
 *
 * - `sync`: a call of `StorageFile.sync` or `syncSync`, as the interface declares it or a class implements it; in the
 *   storage itself a call of `fsync` or `fdatasync` of `node:fs`, in any form: with a callback, a promise, `promisify`,
 *   or through a constant that holds one of them. Left out: `Promise.resolve()`, `undefined`, or a callback without error.
 * - `directory sync`: likewise for `Storage.syncDir` and `syncDirSync`, and for the functions that an object of type
 *   `Storage` has under these names.
 * - `durable write`: a call of `StorageFile.write` or `writeSync` whose third argument is not the literal `false`, or a
 *   call of a function that hands a parameter on as that argument. Left out: the argument is `false`. Also the flags
 *   `O_DSYNC` and `O_SYNC` of `node:fs`. Left out: 0.
 */

import ts from 'typescript-6'
import type { Program } from './program.ts'
import type { Edit, Found, SiteKind } from './site.ts'

const FS_SYNCS = new Set(['fsync', 'fsyncSync', 'fdatasync', 'fdatasyncSync'])
const FS_FLAGS = new Set(['O_DSYNC', 'O_SYNC'])

/** How a call says that it is done. */
export type Style = 'promise' | 'callback' | 'returns'

export interface Syncing {
  readonly kind: SiteKind
  readonly style: Style
}

export class Durability {
  readonly #program: Program
  /** Parameters that end as the third argument of a write. */
  readonly #durable = new Set<ts.Symbol>()

  constructor(program: Program) {
    this.#program = program
    for (let before = -1; before !== this.#durable.size; ) {
      before = this.#durable.size
      for (const call of program.calls) this.#noteDurable(call)
    }
  }

  /** What a call makes durable; `undefined` when it does not. */
  of(call: ts.CallExpression): Syncing | undefined {
    const style = this.#fsStyle(call.expression)
    if (style !== undefined) return { kind: 'sync', style }
    const symbol = this.#program.symbolOf(call.expression)
    if (symbol === undefined) return undefined
    if (this.#isMember(symbol, 'StorageFile', ['sync', 'syncSync'])) {
      return { kind: 'sync', style: styleOf(symbol.name) }
    }
    if (this.#isMember(symbol, 'Storage', ['syncDir', 'syncDirSync'])) {
      return { kind: 'directory sync', style: styleOf(symbol.name) }
    }
    const stands = this.#program
      .targets(call)
      .map((unit) => this.#program.standsFor(unit, 'Storage'))
    const name = stands.find((each) => each === 'syncDir' || each === 'syncDirSync')
    if (name !== undefined) return { kind: 'directory sync', style: styleOf(name) }
    const durable = this.#durableArguments(call)
    if (durable.length === 0) return undefined
    return { kind: 'durable write', style: styleOf(symbol.name) }
  }

  find(node: ts.Node): Found | undefined {
    if (ts.isCallExpression(node)) return this.#findCall(node)
    if (!ts.isPropertyAccessExpression(node) || !FS_FLAGS.has(node.name.text)) return undefined
    return isOfFs(this.#program.symbolOf(node)) ? found('durable write', node, '0') : undefined
  }

  #findCall(call: ts.CallExpression): Found | undefined {
    const syncing = this.of(call)
    if (syncing === undefined) return undefined
    const { kind, style } = syncing
    if (kind === 'durable write') {
      const edits = this.#durableArguments(call).map((each) => replace(each, 'false'))
      return { kind, start: call.getStart(), end: call.end, edits }
    }
    if (style === 'promise') return found(kind, call, 'Promise.resolve()')
    if (style === 'returns') return found(kind, call, 'undefined')
    const callBack = '((...args) => void setImmediate(args.at(-1), null))'
    return { ...found(kind, call, ''), edits: [replace(call.expression, callBack)] }
  }

  /** The arguments of a call that say that a write is durable. */
  #durableArguments(call: ts.CallExpression): ts.Expression[] {
    const symbol = this.#program.symbolOf(call.expression)
    const found: ts.Expression[] = []
    const third = call.arguments[2]
    if (third !== undefined && this.#isMember(symbol, 'StorageFile', ['write', 'writeSync'])) {
      found.push(third)
    } else {
      for (const target of this.#program.targets(call)) {
        target.parameters.forEach((parameter, at) => {
          const own = this.#program.checker.getSymbolAtLocation(parameter.name)
          const argument = call.arguments[at]
          if (own !== undefined && argument !== undefined && this.#durable.has(own))
            found.push(argument)
        })
      }
    }
    return [...new Set(found)].filter((each) => each.kind !== ts.SyntaxKind.FalseKeyword)
  }

  #noteDurable(call: ts.CallExpression): void {
    for (const argument of this.#durableArguments(call)) {
      const symbol = this.#program.symbolOf(argument)
      if (symbol !== undefined && this.#program.isParameter(symbol)) this.#durable.add(symbol)
    }
  }

  #isMember(symbol: ts.Symbol | undefined, owner: string, names: readonly string[]): boolean {
    return (
      symbol !== undefined &&
      names.includes(symbol.name) &&
      this.#program.implementedMember(symbol, owner)
    )
  }

  /** How an expression that is a sync of `node:fs` is called. */
  #fsStyle(callee: ts.Expression): Style | undefined {
    if (ts.isParenthesizedExpression(callee)) return this.#fsStyle(callee.expression)
    if (ts.isConditionalExpression(callee)) {
      return this.#fsStyle(callee.whenTrue) ?? this.#fsStyle(callee.whenFalse)
    }
    if (ts.isCallExpression(callee)) {
      const [inner] = callee.arguments
      const promisified = callee.expression.getText() === 'promisify' && inner !== undefined
      return promisified && this.#fsStyle(inner) === 'callback' ? 'promise' : undefined
    }
    if (!ts.isIdentifier(callee) && !ts.isPropertyAccessExpression(callee)) return undefined
    const symbol = this.#program.symbolOf(callee)
    const declaration = symbol?.declarations?.[0]
    if (symbol === undefined || declaration === undefined) return undefined
    if (isOfFs(symbol)) return fsStyle(symbol.name, declaration)
    if (!ts.isVariableDeclaration(declaration) || declaration.initializer === undefined)
      return undefined
    return this.#fsStyle(declaration.initializer)
  }
}

function fsStyle(name: string, declaration: ts.Declaration): Style | undefined {
  const { fileName } = declaration.getSourceFile()
  if (fileName.endsWith('/fs/promises.d.ts')) {
    return name === 'sync' || name === 'datasync' ? 'promise' : undefined
  }
  if (!FS_SYNCS.has(name)) return undefined
  return name.endsWith('Sync') ? 'returns' : 'callback'
}

function isOfFs(symbol: ts.Symbol | undefined): boolean {
  const fileName = symbol?.declarations?.[0]?.getSourceFile().fileName ?? ''
  return /\/@types\/node\/fs(\/promises)?\.d\.ts$/.test(fileName)
}

function styleOf(name: string): Style {
  return name.endsWith('Sync') ? 'returns' : 'promise'
}

/** A site that is replaced as a whole. */
export function found(kind: SiteKind, node: ts.Node, text: string): Found {
  return { kind, start: node.getStart(), end: node.end, edits: [replace(node, text)] }
}

export function replace(node: ts.Node, text: string): Edit {
  return { start: node.getStart(), end: node.end, text: separate(node, text) }
}

/** A text that takes a node's place: where a block's statement begins with it, `(…)` would call what stands before. */
export function separate(node: ts.Node, text: string): string {
  return text.startsWith('(') && beginsStatement(node) ? `;${text}` : text
}

function beginsStatement(node: ts.Node): boolean {
  const start = node.getStart()
  let at = node
  while (!ts.isStatement(at) && at.parent !== undefined && at.parent.getStart() === start) {
    at = at.parent
  }
  return ts.isExpressionStatement(at) && (ts.isBlock(at.parent) || ts.isSourceFile(at.parent))
}
