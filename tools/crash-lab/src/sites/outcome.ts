/**
 * Which outcome of a condition lets the data pass: the one that a check takes when it finds nothing wrong.
 *
 * A branch may *throw*, *reject* (return `undefined`, `null`, `false` or a text), *leave* (return anything else, or
 * nothing), or *break* (`break`, `continue`); each is weaker than the one before. A `break` behind whose loop the block
 * ends by throwing or rejecting does that itself. From the place where a condition is used:
 * - `if (C)` with `else`, one of which throws or rejects: the other one.
 * - `if (C)` without `else`: that the branch is not taken; but if it leaves or breaks, and what follows in the block
 *   ends by throwing or rejecting, that it is taken.
 * - `C ? a : b` where one of the two is `undefined`, `null` or `false`: the other one. Where both are of decoded types:
 *   the first.
 * - `return C`, or the body of an arrow, in a function that answers with a boolean: true. In a callback of `some` or
 *   `every`: what the call's outcome is to be. In one of another function: none.
 * - a constant: what it is to be where it is used first.
 * - `!C` turns it over; an operand of `&&` or `||`, and a branch of `C ? a : b`, has the outcome of the whole.
 * Everywhere else, loops' conditions among them, there is none: nothing is checked there.
 */

import ts from 'typescript-6'
import type { Decoded } from './decoded.ts'
import type { Program } from './program.ts'
import { enclosingFunction, type Unit, walk } from './units.ts'

/** How a branch ends, weakest first. */
const STRENGTH = { 'goes on': 0, breaks: 1, leaves: 2, rejects: 3, throws: 4 }
export type Ending = keyof typeof STRENGTH

export class Outcomes {
  readonly #program: Program
  readonly #decoded: Decoded

  constructor(program: Program, decoded: Decoded) {
    this.#program = program
    this.#decoded = decoded
  }

  /**
   * The outcome of a condition that passes; `undefined` where there is none.
   * @param least the weakest ending of a branch that counts
   */
  passing(node: ts.Expression, least: Ending): boolean | undefined {
    const { parent } = node
    if (
      ts.isParenthesizedExpression(parent) ||
      ts.isAwaitExpression(parent) ||
      ts.isNonNullExpression(parent)
    ) {
      return this.passing(parent, least)
    }
    if (ts.isPrefixUnaryExpression(parent) && parent.operator === ts.SyntaxKind.ExclamationToken) {
      const outcome = this.passing(parent, least)
      return outcome === undefined ? undefined : !outcome
    }
    if (ts.isBinaryExpression(parent) && isLogical(parent.operatorToken.kind)) {
      return this.passing(parent, least)
    }
    if (ts.isIfStatement(parent) && parent.expression === node) return ofIf(parent, least)
    if (ts.isConditionalExpression(parent)) {
      return parent.condition === node ? this.#ofChoice(parent, least) : this.passing(parent, least)
    }
    if (ts.isReturnStatement(parent)) return this.#ofAnswer(enclosingFunction(parent), least)
    if (ts.isArrowFunction(parent) && parent.body === node) return this.#ofAnswer(parent, least)
    if (ts.isVariableDeclaration(parent) && parent.initializer === node) {
      return this.#ofUse(parent, least)
    }
    return undefined
  }

  #ofChoice(choice: ts.ConditionalExpression, least: Ending): boolean | undefined {
    if (least === 'throws') return undefined
    const { whenTrue, whenFalse } = choice
    const [then, otherwise] = [isNothing(whenTrue), isNothing(whenFalse)]
    if (then !== otherwise) return otherwise
    const { checker } = this.#program
    const both = [whenTrue, whenFalse].map((each) => checker.getTypeAtLocation(each))
    return both.every((each) => this.#decoded.isDecoded(each)) ? true : undefined
  }

  #ofAnswer(unit: Unit | undefined, least: Ending): boolean | undefined {
    if (unit === undefined || !this.#program.answersBoolean(unit)) return undefined
    const call = unit.parent
    if (!ts.isCallExpression(call)) return true
    const { expression } = call
    const method = ts.isPropertyAccessExpression(expression) ? expression.name.text : ''
    return method === 'some' || method === 'every' ? this.passing(call, least) : undefined
  }

  #ofUse({ name }: ts.VariableDeclaration, least: Ending): boolean | undefined {
    const symbol = this.#program.symbolOf(name)
    const { checker } = this.#program
    if ((checker.getTypeAtLocation(name).flags & ts.TypeFlags.BooleanLike) === 0) return undefined
    const scope = enclosingFunction(name)
    let outcome: boolean | undefined
    if (scope !== undefined) {
      walk(scope, (each) => {
        if (!ts.isIdentifier(each) || each === name) return
        if (this.#program.symbolOf(each) === symbol) outcome ??= this.passing(each, least)
      })
    }
    return outcome
  }
}

function isLogical(kind: ts.SyntaxKind): boolean {
  return kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken
}

function ofIf(statement: ts.IfStatement, least: Ending): boolean | undefined {
  const then = endOf(statement.thenStatement)
  if (statement.elseStatement !== undefined) {
    const otherwise = endOf(statement.elseStatement)
    const [rejects, passes] = [isRejecting(then), isRejecting(otherwise)]
    if (rejects === passes || STRENGTH[rejects ? then : otherwise] < STRENGTH[least])
      return undefined
    return !rejects
  }
  const rest = endOfRest(statement)
  const passes = then !== 'goes on' && !isRejecting(then) && isRejecting(rest)
  const ending = passes ? rest : then
  return STRENGTH[ending] < STRENGTH[least] ? undefined : passes
}

function isRejecting(ending: Ending): boolean {
  return ending === 'throws' || ending === 'rejects'
}

/** How the block that a statement is in ends, if the statement lets it go on. */
function endOfRest(statement: ts.Node): Ending {
  const { parent } = statement
  const last = ts.isBlock(parent) ? parent.statements.at(-1) : undefined
  return last === undefined || last === statement ? 'goes on' : endOf(last)
}

function endOf(statement: ts.Statement): Ending {
  if (ts.isBlock(statement)) {
    const last = statement.statements.at(-1)
    return last === undefined ? 'goes on' : endOf(last)
  }
  if (ts.isThrowStatement(statement)) return 'throws'
  if (ts.isReturnStatement(statement)) {
    const { expression } = statement
    const rejects =
      expression !== undefined && (isNothing(expression) || ts.isStringLiteral(expression))
    return rejects ? 'rejects' : 'leaves'
  }
  if (ts.isContinueStatement(statement)) return 'breaks'
  return ts.isBreakStatement(statement) ? endOfBreak(statement) : 'goes on'
}

function endOfBreak(statement: ts.BreakStatement): Ending {
  let at: ts.Node = statement
  while (!ts.isIterationStatement(at, false) && !ts.isSwitchStatement(at)) at = at.parent
  const rest = endOfRest(at)
  return isRejecting(rest) ? rest : 'breaks'
}

export function isNothing(node: ts.Expression): boolean {
  return (
    (ts.isIdentifier(node) && node.text === 'undefined') ||
    node.kind === ts.SyntaxKind.NullKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword
  )
}
