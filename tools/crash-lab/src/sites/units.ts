/**
 * Functions: which of them have a name that sites go by, and what that is.
 *
 * A unit is a function or method with a name that is not inside another one; `const read = () => …` and
 * `decode: () => …` at a file's own level have one, too.
 */

import ts from 'typescript-6'

export type Unit = ts.FunctionLikeDeclaration

/** Visits a node and everything in it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

export function isUnit(node: ts.Node): node is Unit {
  if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return false
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return true
  // `const read = () => …` and `decode: () => …` at a file's own level have a name, too.
  return nameOf(node) !== undefined && !isInFunction(node)
}

/** The function a node is in, whether it has a name or not. */
export function enclosingFunction(node: ts.Node): Unit | undefined {
  for (let at = node.parent; at !== undefined; at = at.parent) if (isFunctionWithBody(at)) return at
  return undefined
}

function isInFunction(node: ts.Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent)
    if (ts.isFunctionLike(at)) return true
  return false
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  if (ts.isFunctionLike(node) && node.name !== undefined) return node.name.getText()
  const { parent } = node
  return (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) &&
    parent.initializer === node
    ? parent.name.getText()
    : undefined
}

/** The name of a unit, with that of the class or object it is in; `get` and `set` accessors share theirs. */
export function unitName(unit: Unit): string {
  const own = nameOf(unit) ?? '(anonymous)'
  for (let at: ts.Node | undefined = unit.parent; at !== undefined; at = at.parent) {
    if (ts.isClassLike(at) && at.name !== undefined) return `${at.name.text}.${own}`
    if (ts.isVariableDeclaration(at) && at.initializer !== unit)
      return `${at.name.getText()}.${own}`
  }
  return own
}

export function functionIn(declaration: ts.Node): Unit | undefined {
  if (isFunctionWithBody(declaration)) return declaration
  const value =
    ts.isVariableDeclaration(declaration) || ts.isPropertyAssignment(declaration)
      ? declaration.initializer
      : undefined
  return value !== undefined && isFunctionWithBody(value) ? value : undefined
}

export function isFunctionWithBody(node: ts.Node): node is Unit {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
}
