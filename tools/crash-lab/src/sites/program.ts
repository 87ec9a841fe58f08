/**
 * Who calls whom in the sources, as far as types tell.
 *
 * A call of an interface's member may run any class's or object's that implements the interface.
 */

import ts from 'typescript-6'
import type { Source, Sources } from './sources.ts'
import {
  enclosingFunction,
  functionIn,
  isFunctionWithBody,
  isUnit,
  type Unit,
  walk,
} from './units.ts'

export class Program {
  readonly checker: ts.TypeChecker
  readonly sources: readonly Source[]
  /** Every function with a body, those inside others, too. */
  readonly functions: readonly Unit[]
  readonly calls: readonly ts.CallExpression[]
  readonly #files: ReadonlySet<ts.SourceFile>
  /** By interface: the classes and object literals of that type. */
  readonly #implementations = new Map<
    ts.Symbol,
    (ts.ClassLikeDeclaration | ts.ObjectLiteralExpression)[]
  >()
  /** What is ever put into a variable, property or parameter. */
  readonly #assigned = new Map<ts.Symbol, ts.Expression[]>()
  /** The types of what generators yield. */
  readonly #yielded = new Set<ts.Symbol>()

  constructor({ checker, all }: Sources) {
    this.checker = checker
    this.sources = all
    this.#files = new Set(all.map(({ node }) => node))
    const functions: Unit[] = []
    const calls: ts.CallExpression[] = []
    for (const { node } of all) {
      walk(node, (each) => {
        if (isFunctionWithBody(each)) functions.push(each)
        if (ts.isCallExpression(each)) calls.push(each)
        if (ts.isClassLike(each)) this.#noteClass(each)
        if (ts.isObjectLiteralExpression(each)) this.#noteObject(each)
        this.#noteAssignment(each)
        this.#noteYield(each)
      })
    }
    this.functions = functions
    this.calls = calls
    for (const call of calls) this.#noteArguments(call)
  }

  /** The symbol an expression names, an import followed to what it imports. */
  symbolOf(node: ts.Node): ts.Symbol | undefined {
    const named = ts.isPropertyAccessExpression(node) ? node.name : node
    const symbol = this.checker.getSymbolAtLocation(named)
    if (symbol === undefined) return undefined
    return (symbol.flags & ts.SymbolFlags.Alias) === 0
      ? symbol
      : this.checker.getAliasedSymbol(symbol)
  }

  isOurs(node: ts.Node): boolean {
    return this.#files.has(node.getSourceFile())
  }

  /** The unit a node is in; `undefined` at a file's own level. */
  unitOf(node: ts.Node): Unit | undefined {
    let unit: Unit | undefined
    for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
      if (isUnit(at)) unit = at
    }
    return unit
  }

  /** The functions a call may run, of those in the sources. */
  targets(call: ts.CallExpression): Unit[] {
    const symbol = this.symbolOf(call.expression)
    return symbol === undefined ? [] : this.#functions(symbol)
  }

  /** The getters that reading a property runs. */
  getters(node: ts.PropertyAccessExpression): Unit[] {
    const declarations = this.symbolOf(node)?.declarations ?? []
    return declarations.filter(
      (each): each is ts.GetAccessorDeclaration =>
        ts.isGetAccessorDeclaration(each) && this.isOurs(each),
    )
  }

  /** Whether a symbol is a member of an interface of that name, as declared or as a class or object implements it. */
  implementedMember(symbol: ts.Symbol | undefined, name: string): boolean {
    const declaration = symbol?.declarations?.[0]
    if (declaration === undefined || !this.isOurs(declaration)) return false
    const owner = declaration.parent
    if (ts.isInterfaceDeclaration(owner)) return owner.name.text === name
    if (!ts.isClassLike(owner) && !ts.isObjectLiteralExpression(owner)) return false
    return this.#interfacesOf(owner).some(
      (each) => each.name === name && each.members?.has(symbol!.escapedName) === true,
    )
  }

  /** Whether a symbol is a member of what generators yield to whoever drives them. */
  isOfYielded(symbol: ts.Symbol | undefined): boolean {
    const owner = symbol?.declarations?.[0]?.parent
    if (owner === undefined || !ts.isInterfaceDeclaration(owner)) return false
    return this.#yielded.has(this.checker.getSymbolAtLocation(owner.name)!)
  }

  /** The directory in `packages/` of the package a node is in, if it is one of those searched. */
  packageOf(node: ts.Node): string | undefined {
    const file = node.getSourceFile()
    return this.sources.find((each) => each.node === file)?.package
  }

  /** The type of what a function returns. */
  returnType(unit: Unit): ts.Type {
    const signature = this.checker.getSignatureFromDeclaration(unit)!
    const type = this.checker.getReturnTypeOfSignature(signature)
    return this.checker.getAwaitedType(type) ?? type
  }

  answersBoolean(unit: Unit): boolean {
    return (this.returnType(unit).flags & ts.TypeFlags.BooleanLike) !== 0
  }

  /** Whether a function returns a number, a text or a boolean, or none. */
  answersPrimitive(unit: Unit): boolean {
    const type = this.checker.getNonNullableType(this.returnType(unit))
    const primitive =
      ts.TypeFlags.NumberLike |
      ts.TypeFlags.BigIntLike |
      ts.TypeFlags.BooleanLike |
      ts.TypeFlags.StringLike
    return (type.flags & primitive) !== 0
  }

  /** The expressions that a function returns. */
  returned(unit: Unit): ts.Expression[] {
    const body = unit.body!
    if (!ts.isBlock(body)) return [body]
    const found: ts.Expression[] = []
    walk(body, (each) => {
      if (!ts.isReturnStatement(each) || each.expression === undefined) return
      if (enclosingFunction(each) === unit) found.push(each.expression)
    })
    return found
  }

  /** Whether what a generator yields here is work: something with members that others call. */
  isProcedure(node: ts.YieldExpression): boolean {
    const unit = enclosingFunction(node)
    if (unit?.asteriskToken === undefined) return false
    const modifiers = ts.canHaveModifiers(unit) ? (ts.getModifiers(unit) ?? []) : []
    return !modifiers.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword)
  }

  /** Every expression that is put into a variable, property or parameter. */
  assigned(symbol: ts.Symbol): readonly ts.Expression[] {
    return this.#assigned.get(symbol) ?? []
  }

  isParameter(symbol: ts.Symbol): boolean {
    return symbol.valueDeclaration !== undefined && ts.isParameter(symbol.valueDeclaration)
  }

  /** The functions that stand for an interface's member in an object literal, such as `syncDir: syncDirectory`. */
  standsFor(unit: Unit, interfaceName: string): string | undefined {
    const symbol = unit.name === undefined ? undefined : this.symbolOf(unit.name)
    if (symbol === undefined) return undefined
    for (const [owner, implementations] of this.#implementations) {
      if (owner.name !== interfaceName) continue
      for (const each of implementations) {
        if (!ts.isObjectLiteralExpression(each)) continue
        for (const property of each.properties) {
          const value = valueOf(property)
          if (value !== undefined && this.#valueSymbol(property) === symbol)
            return property.name?.getText()
        }
      }
    }
    return undefined
  }

  #valueSymbol(property: ts.ObjectLiteralElementLike): ts.Symbol | undefined {
    if (ts.isShorthandPropertyAssignment(property)) {
      const symbol = this.checker.getShorthandAssignmentValueSymbol(property)
      return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
        ? this.checker.getAliasedSymbol(symbol)
        : symbol
    }
    const value = valueOf(property)
    return value === undefined ? undefined : this.symbolOf(value)
  }

  #functions(symbol: ts.Symbol): Unit[] {
    const found: Unit[] = []
    for (const declaration of symbol.declarations ?? []) {
      if (!this.isOurs(declaration)) continue
      const own = functionIn(declaration)
      if (own !== undefined) found.push(own)
      else if (ts.isInterfaceDeclaration(declaration.parent)) {
        const owner = this.checker.getSymbolAtLocation(declaration.parent.name)!
        for (const each of this.#implementations.get(owner) ?? []) {
          found.push(...this.#memberOf(each, symbol.name))
        }
      }
    }
    return found
  }

  #memberOf(owner: ts.ClassLikeDeclaration | ts.ObjectLiteralExpression, name: string): Unit[] {
    for (const member of ts.isClassLike(owner) ? owner.members : owner.properties) {
      if (member.name?.getText() !== name) continue
      const own = functionIn(member)
      if (own !== undefined) return [own]
      if (ts.isClassElement(member)) return []
      const symbol = this.#valueSymbol(member)
      return symbol === undefined ? [] : this.#functions(symbol)
    }
    return []
  }

  #interfacesOf(owner: ts.ClassLikeDeclaration | ts.ObjectLiteralExpression): ts.Symbol[] {
    const types = ts.isClassLike(owner)
      ? (owner.heritageClauses ?? [])
          .filter(({ token }) => token === ts.SyntaxKind.ImplementsKeyword)
          .flatMap(({ types: each }) => each.map((type) => this.checker.getTypeAtLocation(type)))
      : [this.checker.getContextualType(owner)]
    return types.flatMap((type) => (type === undefined ? [] : this.#withBases(type)))
  }

  #withBases(type: ts.Type): ts.Symbol[] {
    if (type.isUnion()) return type.types.flatMap((each) => this.#withBases(each))
    const symbol = type.getSymbol()
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Interface) === 0) return []
    const bases = type.isClassOrInterface() ? this.checker.getBaseTypes(type) : []
    return [symbol, ...bases.flatMap((base) => this.#withBases(base))]
  }

  #noteClass(node: ts.ClassLikeDeclaration): void {
    for (const symbol of this.#interfacesOf(node)) push(this.#implementations, symbol, node)
  }

  #noteObject(node: ts.ObjectLiteralExpression): void {
    for (const symbol of this.#interfacesOf(node)) push(this.#implementations, symbol, node)
  }

  #noteAssignment(node: ts.Node): void {
    if (
      (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)) &&
      node.initializer !== undefined
    ) {
      const symbol = this.checker.getSymbolAtLocation(node.name)
      if (symbol !== undefined) push(this.#assigned, symbol, node.initializer)
    }
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) {
      const symbol = this.symbolOf(node.left)
      if (symbol !== undefined) push(this.#assigned, symbol, node.right)
    }
  }

  #noteYield(node: ts.Node): void {
    if (!ts.isYieldExpression(node) || node.asteriskToken !== undefined) return
    const type = node.expression && this.checker.getContextualType(node.expression)
    for (const symbol of type === undefined ? [] : this.#withBases(type)) this.#yielded.add(symbol)
  }

  #noteArguments(call: ts.CallExpression): void {
    for (const target of this.targets(call)) {
      target.parameters.forEach((parameter, at) => {
        const symbol = this.checker.getSymbolAtLocation(parameter.name)
        const argument = call.arguments[at] ?? parameter.initializer
        if (symbol !== undefined && argument !== undefined) push(this.#assigned, symbol, argument)
      })
    }
  }
}

function valueOf(property: ts.ObjectLiteralElementLike): ts.Expression | undefined {
  if (ts.isPropertyAssignment(property)) return property.initializer
  return ts.isShorthandPropertyAssignment(property) ? property.name : undefined
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
