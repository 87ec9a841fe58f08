/**
 * The checks of what comes from disk.
 *
 * A site is each of these, where its outcome lets data pass or not (outcome.ts):
 * - a comparison one of whose sides comes from disk (decoded.ts), where a branch at least leaves;
 * - a comparison of a size, where a branch at least rejects: any other one bounds memory or a loop;
 * - a comparison of a property with `undefined` or `null`, where a branch throws: any other one asks whether there is
 *   something, and not what it says;
 * - a property of a decoded type that is itself a boolean, likewise;
 * - a call of a function that answers with a boolean and has such a check in it, or of a built-in one that is handed
 *   what comes from disk, where a branch at least breaks.
 * It is left out by the outcome that passes. Where a checksum is compared, or a function called that compares one, the
 * site is of kind `checksum`, and passes when it matches, wherever the answer goes.
 *
 * Only functions are searched that decide what a log holds: those that read a file, whoever calls them, and those that
 * are handed bytes, or a decoded type, or an interface with a property of one. Of these not the checksums' own.
 */

import ts from 'typescript-6'
import { type Decoded, higher, isComparison, type Origin } from './decoded.ts'
import { found } from './durability.ts'
import { type Ending, isNothing, type Outcomes } from './outcome.ts'
import type { Program } from './program.ts'
import type { Found } from './site.ts'
import { isFunctionWithBody, type Unit, walk } from './units.ts'

const READS = new Set(['read', 'readSync'])

interface Check {
  readonly isChecksum: boolean
  /** The outcome that lets data pass. */
  readonly passes: boolean
}

export class Checks {
  readonly #program: Program
  readonly #decoded: Decoded
  readonly #outcomes: Outcomes
  /** The functions that decide what a log holds. */
  readonly #deciding = new Set<Unit>()
  /** Functions that answer with a boolean, and what they check. */
  readonly #checking = new Map<Unit, Origin>()

  constructor(program: Program, decoded: Decoded, outcomes: Outcomes) {
    this.#program = program
    this.#decoded = decoded
    this.#outcomes = outcomes
    for (let before = -1; before !== this.#deciding.size; ) {
      before = this.#deciding.size
      for (const each of program.functions) if (this.#decides(each)) this.#deciding.add(each)
    }
    for (let noted = true; noted; ) {
      noted = program.functions.filter((each) => this.#noteChecking(each)).length > 0
    }
  }

  find(node: ts.Node): Found | undefined {
    const check = this.#check(node)
    if (check === undefined) return undefined
    const kind = check.isChecksum ? 'checksum' : 'check'
    // What else the call does is still done.
    const isDone = ts.isCallExpression(node) && !this.#isPromise(node)
    const before = isDone ? `${node.getText()}, ` : ''
    return found(kind, node, `(${before}${check.passes})`)
  }

  /** The check in a node; `undefined` when there is none. */
  #check(node: ts.Node): Check | undefined {
    const unit = this.#program.unitOf(node)
    if (unit === undefined || !this.#deciding.has(unit) || this.#decoded.isChecksum(unit)) {
      return undefined
    }
    if (ts.isBinaryExpression(node) && isComparison(node.operatorToken.kind)) {
      return this.#ofComparison(node)
    }
    if (!ts.isCallExpression(node) && !ts.isPropertyAccessExpression(node)) return undefined
    if (!this.#isBoolean(node)) return undefined
    if (ts.isPropertyAccessExpression(node)) {
      return this.#decoded.originOf(node) === 'disk' ? this.#where(node, 'leaves') : undefined
    }
    const origin = this.#ofCall(node)
    if (origin === 'checksum') return { isChecksum: true, passes: true }
    return origin === undefined ? undefined : this.#where(node, 'breaks')
  }

  #where(node: ts.Expression, least: Ending): Check | undefined {
    const passes = this.#outcomes.passing(node, least)
    return passes === undefined ? undefined : { isChecksum: false, passes }
  }

  #ofComparison(node: ts.BinaryExpression): Check | undefined {
    const { left, right, operatorToken } = node
    const origin = higher(this.#decoded.originOf(left), this.#decoded.originOf(right))
    if (origin === undefined) return undefined
    if (origin === 'checksum') {
      const passes = operatorToken.kind !== ts.SyntaxKind.ExclamationEqualsEqualsToken
      return { isChecksum: true, passes }
    }
    if (isNothing(left) || isNothing(right)) {
      return ts.isPropertyAccessExpression(left) ? this.#where(node, 'throws') : undefined
    }
    return this.#where(node, origin === 'size' ? 'rejects' : 'leaves')
  }

  #ofCall(call: ts.CallExpression): Origin | undefined {
    const targets = this.#program.targets(call)
    const checking = targets.map((each) => this.#checking.get(each)).reduce(higher, undefined)
    if (checking !== undefined) return checking
    if (targets.length > 0 || call.arguments.some((each) => isFunctionWithBody(each)))
      return undefined
    const { expression } = call
    const handed = ts.isPropertyAccessExpression(expression)
      ? [expression.expression, ...call.arguments]
      : call.arguments
    return handed
      .flatMap((each) => (ts.isArrayLiteralExpression(each) ? [...each.elements] : [each]))
      .map((each) => this.#decoded.originOf(each))
      .reduce(higher, undefined)
  }

  #isBoolean(node: ts.Expression): boolean {
    const { checker } = this.#program
    const type = checker.getTypeAtLocation(node)
    return ((checker.getAwaitedType(type) ?? type).flags & ts.TypeFlags.BooleanLike) !== 0
  }

  #isPromise(node: ts.Expression): boolean {
    return this.#program.checker.getTypeAtLocation(node).symbol?.name === 'Promise'
  }

  #decides(unit: Unit): boolean {
    const { checker } = this.#program
    if (this.#decoded.takesBytes(unit)) return true
    if (
      unit.parameters.some((each) => this.#decoded.holdsDecoded(checker.getTypeAtLocation(each)))
    ) {
      return true
    }
    let decides = false
    walk(unit.body!, (each) => {
      if (decides) return
      if (ts.isPropertyAccessExpression(each)) {
        decides = this.#program.getters(each).some((getter) => this.#deciding.has(getter))
      }
      if (!ts.isCallExpression(each)) return
      const symbol = this.#program.symbolOf(each.expression)
      decides ||=
        (symbol !== undefined &&
          READS.has(symbol.name) &&
          this.#program.implementedMember(symbol, 'StorageFile')) ||
        this.#program.targets(each).some((target) => this.#deciding.has(target))
    })
    return decides
  }

  /** Notes what a function that answers with a boolean checks; whether that is more than was known. */
  #noteChecking(unit: Unit): boolean {
    if (!this.#program.answersBoolean(unit)) return false
    const known = this.#checking.get(unit)
    let origin = known
    walk(unit.body!, (each) => {
      const check = this.#check(each)
      if (check !== undefined) origin = higher(origin, check.isChecksum ? 'checksum' : 'disk')
    })
    if (origin !== undefined) this.#checking.set(unit, origin)
    return origin !== known
  }
}
