/**
 * The waits between a sync and those who wait for it.
 *
 * An expression *syncs* when it, or a function it calls, makes something durable (durability.ts), when it names a
 * variable, property or parameter of a promise or procedure that does, or when it starts an operation that a procedure
 * has yielded. A *signal* is a promise whose `resolve` is kept for later, in a class that syncs or drives operations:
 * to wait for one is to wait for the sync after which it is given.
 *
 * A wait, and what leaves it out:
 * - `await E` where E syncs and its value is of type void or not used: E is started; its failure goes unnoticed.
 *   A signal that is awaited in a `while` loop: the loop is left.
 * - `E.then(…)` where E syncs and the callback takes no value: the callback runs without E.
 * - `yield E` of an operation that syncs: `start` starts it and is done. In `now` a call is its own wait, and nothing
 *   can be left out.
 * - `yield* E` of a procedure that syncs: the same for each of its operations.
 * - a sync of `node:fs` with a callback: it is called back at once.
 *
 * No wait: a call of a storage that makes nothing durable, such as `close`; an `await` whose value is used; there is nothing to go on with.
 */

import ts from 'typescript-6'
import { type Durability, replace, separate } from './durability.ts'
import type { Program } from './program.ts'
import type { Found } from './site.ts'
import { isFunctionWithBody, type Unit, walk } from './units.ts'

const STARTED =
  '((op) => ({ start: () => (op.start().catch(() => {}), Promise.resolve()), now: () => op.now() }))'
const ALL_STARTED = `(function* (procedure) {
  let step = procedure.next()
  while (step.done !== true) {
    try {
      yield ${STARTED}(step.value)
    } catch (error) {
      step = procedure.throw(error)
      continue
    }
    step = procedure.next()
  }
  return step.value
})`
const STARTED_CALL =
  '((sync, ...args) => (sync(...args.slice(0, -1), () => {}), void setImmediate(args.at(-1), null)))'

const STORAGE = ['Storage', 'StorageFile']

export class Waits {
  readonly #program: Program
  readonly #durability: Durability
  /** The functions that sync. */
  readonly #syncing = new Set<Unit>()
  /** Classes in which something syncs or drives operations. */
  readonly #driving = new Set<ts.Node>()

  constructor(program: Program, durability: Durability) {
    this.#program = program
    this.#durability = durability
    for (let before = -1; before !== this.#syncing.size; ) {
      before = this.#syncing.size
      for (const each of program.functions) {
        if (!this.#syncing.has(each) && this.#syncs(each.body!, false)) this.#syncing.add(each)
        if (this.#syncing.has(each) || this.#drives(each)) this.#noteClass(each)
      }
    }
  }

  find(node: ts.Node): Found | undefined {
    if (ts.isAwaitExpression(node)) return this.#await(node)
    if (ts.isYieldExpression(node)) return this.#yield(node)
    return ts.isCallExpression(node) ? (this.#then(node) ?? this.#callback(node)) : undefined
  }

  #await(node: ts.AwaitExpression): Found | undefined {
    const { checker } = this.#program
    const isUnused = ts.isExpressionStatement(unwrapped(node))
    const isVoid =
      (checker.getTypeAtLocation(node).flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined)) !== 0
    if (!isUnused && !isVoid) return undefined
    if (!this.#syncs(node.expression, true)) return undefined
    const statement = unwrapped(node)
    const text = node.expression.getText()
    if (isUnused && this.#isSignal(node.expression) && isInWhile(statement)) {
      return found(node, [replace(statement, `{ void ${text}; break }`)])
    }
    return found(node, [replace(node, `void (${text})?.catch?.(() => {})`)])
  }

  #yield(node: ts.YieldExpression): Found | undefined {
    const { expression } = node
    if (expression === undefined || !this.#program.isProcedure(node)) return undefined
    if (!this.#syncs(expression, true)) return undefined
    const by = node.asteriskToken === undefined ? STARTED : ALL_STARTED
    return found(node, [replace(expression, `${by}(${expression.getText()})`)])
  }

  #then(node: ts.CallExpression): Found | undefined {
    const callee = node.expression
    const [done] = node.arguments
    if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'then') return undefined
    if (done === undefined || !isFunctionWithBody(done) || done.parameters.length > 0)
      return undefined
    if (!this.#syncs(callee.expression, true)) return undefined
    const started = `((work) => (work.catch(() => {}), Promise.resolve()))`
    const edit = replace(callee.expression, `${started}(${callee.expression.getText()})`)
    return found(node, [edit])
  }

  #callback(node: ts.CallExpression): Found | undefined {
    if (this.#durability.of(node)?.style !== 'callback') return undefined
    const { expression } = node
    const text = `${STARTED_CALL}(${expression.getText()}, `
    const start = expression.getStart()
    const end = node.arguments[0]!.getStart()
    return found(node, [{ start, end, text: separate(expression, text) }])
  }

  /**
   * Whether something in a node syncs.
   * @param here whether that counts which the node does for someone else: what it was handed, or drives
   */
  #syncs(node: ts.Node, here: boolean, seen: ReadonlySet<ts.Symbol> = new Set()): boolean {
    let syncs = false
    walk(node, (each) => {
      syncs ||= this.#syncsItself(each, here, seen)
    })
    return syncs
  }

  #syncsItself(node: ts.Node, here: boolean, seen: ReadonlySet<ts.Symbol>): boolean {
    if (ts.isNewExpression(node)) return this.#isSignal(node)
    if (ts.isCallExpression(node)) {
      if (this.#durability.of(node) !== undefined) return true
      const symbol = this.#program.symbolOf(node.expression)
      // What else a storage does is its own affair: it makes durable only what it is asked to.
      if (STORAGE.some((name) => this.#program.implementedMember(symbol, name))) return false
      if (this.#program.isOfYielded(symbol)) return here && isPromise(this.#program.checker, node)
      return this.#program.targets(node).some((each) => this.#syncing.has(each))
    }
    if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return false
    // Compared, or overwritten: nobody waits for it there.
    if (ts.isBinaryExpression(node.parent) && node.parent.left === node) return false
    const symbol = this.#program.symbolOf(node)
    if (symbol === undefined || seen.has(symbol) || !isCarrier(this.#program.checker, node))
      return false
    if (!here && this.#program.isParameter(symbol)) return false
    const more = new Set([...seen, symbol])
    return this.#program.assigned(symbol).some((each) => this.#syncs(each, here, more))
  }

  #drives(node: Unit): boolean {
    let drives = false
    walk(node.body!, (each) => {
      drives ||=
        ts.isCallExpression(each) &&
        this.#program.isOfYielded(this.#program.symbolOf(each.expression))
    })
    return drives
  }

  #noteClass(node: ts.Node): void {
    const owner = classOf(node)
    if (owner !== undefined) this.#driving.add(owner)
  }

  /** `new Promise((resolve) => …)` that keeps `resolve` for later, in a class that syncs. */
  #isSignal(node: ts.Expression): boolean {
    if (!ts.isNewExpression(node) || node.expression.getText() !== 'Promise') return false
    const owner = classOf(node)
    if (owner === undefined || !this.#driving.has(owner)) return false
    const executor = node.arguments?.[0]
    if (executor === undefined || !isFunctionWithBody(executor)) return false
    const resolve = executor.parameters[0] && this.#program.symbolOf(executor.parameters[0].name)
    let kept = false
    walk(executor.body, (each) => {
      if (!ts.isIdentifier(each) || this.#program.symbolOf(each) !== resolve) return
      kept ||= !ts.isCallExpression(each.parent) || each.parent.expression !== each
    })
    return kept
  }
}

function found(node: ts.Node, edits: Found['edits']): Found {
  return { kind: 'wait', start: node.getStart(), end: node.end, edits }
}

/** The statement or expression that a node in parentheses is used in. */
function unwrapped(node: ts.Node): ts.Node {
  let at = node.parent
  while (ts.isParenthesizedExpression(at)) at = at.parent
  return at
}

function isInWhile(statement: ts.Node): boolean {
  for (let at = statement.parent; !ts.isFunctionLike(at); at = at.parent) {
    if (ts.isWhileStatement(at) || ts.isDoStatement(at)) return true
    if (ts.isIterationStatement(at, false) || ts.isSwitchStatement(at)) return false
  }
  return false
}

function classOf(node: ts.Node): ts.Node | undefined {
  for (let at = node.parent; at !== undefined; at = at.parent) if (ts.isClassLike(at)) return at
  return undefined
}

/** Whether an expression's type is that of work under way: a promise, or a procedure. */
function isCarrier(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const types = [checker.getNonNullableType(checker.getTypeAtLocation(node))]
  return types.some((type) => /^(Promise|Generator|Procedure)$/.test(nameOf(type)))
}

function isPromise(checker: ts.TypeChecker, node: ts.Expression): boolean {
  return nameOf(checker.getTypeAtLocation(node)) === 'Promise'
}

function nameOf(type: ts.Type): string {
  return type.symbol?.name ?? ''
}
