/**
 * What comes from disk, and what a checksum gave, followed through expressions.
 *
 * *From disk* are:
 * - the elements of typed arrays, and what a `DataView` gets;
 * - the properties of *decoded* interfaces: the packages' own that a function returns which is handed bytes or a file;
 *   those they extend; and those of their properties, and of such a class's.
 *
 * *A size* is what `StorageFile.read`, `readSync`, `size` and `sizeSync` answer, and the `length` of bytes that a
 * function is handed of which it also reads elements, or makes a view.
 *
 * *From a checksum* is what the functions of the codec return whose names begin with `crc32`.
 *
 * All are followed through arithmetic, `??`, a choice's branches, variables, destructuring, functions that return them, functions
 * of numbers that are handed them, and parameters where every call hands them over. Not through fields of classes.
 */

import ts from 'typescript-6'
import type { Program } from './program.ts'
import { enclosingFunction, type Unit, walk } from './units.ts'

/** Where a value comes from; of two, the first weighs more. */
const WEIGHT = { checksum: 3, disk: 2, size: 1 }
export type Origin = keyof typeof WEIGHT

const READS = new Set(['read', 'readSync', 'size', 'sizeSync'])
const BYTES = /^(Uint8|Int32|Uint32)Array$|^Buffer$/
const NOT_DECODED = new Set(['Storage', 'StorageFile'])

export class Decoded {
  readonly #program: Program
  readonly #types = new Set<ts.Symbol>()
  /** What a function's value comes from, for those whose value does. */
  readonly #returns = new Map<Unit, Origin>()
  readonly #parameters = new Map<ts.Symbol, Origin>()

  constructor(program: Program) {
    this.#program = program
    for (const each of program.functions)
      if (this.#decodes(each)) this.#noteType(program.returnType(each))
    for (let before = -1; before !== this.#returns.size + this.#parameters.size; ) {
      before = this.#returns.size + this.#parameters.size
      for (const each of program.functions) this.#noteReturn(each)
      for (const each of program.functions) this.#noteParameters(each)
    }
  }

  /** Where a value comes from; `undefined` when from neither. */
  originOf(node: ts.Expression, seen: ReadonlySet<ts.Symbol> = new Set()): Origin | undefined {
    if (
      ts.isParenthesizedExpression(node) ||
      ts.isNonNullExpression(node) ||
      ts.isAsExpression(node) ||
      ts.isAwaitExpression(node)
    ) {
      return this.originOf(node.expression, seen)
    }
    if (ts.isPrefixUnaryExpression(node)) return this.originOf(node.operand, seen)
    if (ts.isBinaryExpression(node)) return this.#ofOperands(node, seen)
    if (ts.isConditionalExpression(node)) {
      return higher(this.originOf(node.whenTrue, seen), this.originOf(node.whenFalse, seen))
    }
    if (ts.isElementAccessExpression(node))
      return this.#isBytes(node.expression) ? 'disk' : undefined
    if (ts.isCallExpression(node)) return this.#ofCall(node, seen)
    if (ts.isPropertyAccessExpression(node)) return this.#ofProperty(node, seen)
    return ts.isIdentifier(node) ? this.#ofVariable(node, seen) : undefined
  }

  /** Whether a type, or that of an array's elements, is a decoded one. */
  isDecoded(type: ts.Type): boolean {
    return this.#partsOf(type).some((each) => this.#types.has(each))
  }

  /** Whether a type is a decoded one, or an interface with a property of one. */
  holdsDecoded(type: ts.Type): boolean {
    if (this.isDecoded(type)) return true
    const { symbol } = type
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Interface) === 0) return false
    const { checker } = this.#program
    const own = symbol.declarations?.[0]
    if (own === undefined || !this.#program.isOurs(own)) return false
    return type.getProperties().some((each) => this.isDecoded(checker.getTypeOfSymbol(each)))
  }

  isBytesType(type: ts.Type): boolean {
    return BYTES.test(type.symbol?.name ?? '')
  }

  /** Whether a function is handed bytes or a file. */
  takesBytes(unit: Unit): boolean {
    return unit.parameters.some((parameter) => {
      const type = this.#program.checker.getTypeAtLocation(parameter)
      return this.isBytesType(type) || this.#holdsFile(type)
    })
  }

  /** Whether a function is one of the checksum's own. */
  isChecksum(unit: Unit): boolean {
    const symbol = unit.name && this.#program.symbolOf(unit.name)
    return symbol !== undefined && this.#isChecksum(symbol)
  }

  #decodes(unit: Unit): boolean {
    return !ts.isConstructorDeclaration(unit) && this.takesBytes(unit)
  }

  #holdsFile(type: ts.Type): boolean {
    if (type.symbol?.name === 'StorageFile') return true
    if (type.symbol === undefined || (type.symbol.flags & ts.SymbolFlags.Interface) === 0)
      return false
    const file = type.getProperty('file')
    const of = file && this.#program.checker.getTypeOfSymbol(file)
    return of?.symbol?.name === 'StorageFile'
  }

  #noteType(type: ts.Type): void {
    for (const symbol of this.#partsOf(type)) {
      if (this.#types.has(symbol)) continue
      this.#types.add(symbol)
      const own = this.#program.checker.getDeclaredTypeOfSymbol(symbol)
      if (own.isClassOrInterface()) {
        for (const base of this.#program.checker.getBaseTypes(own)) this.#noteType(base)
      }
      for (const property of this.#program.checker.getPropertiesOfType(own)) {
        if (property.name.startsWith('__#')) continue
        this.#noteType(this.#program.checker.getTypeOfSymbol(property))
      }
    }
  }

  /** The packages' own object types that a type is made of. */
  #partsOf(type: ts.Type): ts.Symbol[] {
    if (type.isUnionOrIntersection()) return type.types.flatMap((each) => this.#partsOf(each))
    const { symbol } = type
    if (symbol === undefined) return []
    if (/^(Promise|Array|ReadonlyArray)$/.test(symbol.name)) {
      const inner = this.#program.checker.getTypeArguments(type as ts.TypeReference)
      return inner.flatMap((each) => this.#partsOf(each))
    }
    const declaration = symbol.declarations?.[0]
    if (declaration === undefined || !this.#program.isOurs(declaration)) return []
    if (NOT_DECODED.has(symbol.name)) return []
    return ts.isInterfaceDeclaration(declaration) ||
      ts.isClassDeclaration(declaration) ||
      ts.isTypeLiteralNode(declaration)
      ? [symbol]
      : []
  }

  #ofOperands(node: ts.BinaryExpression, seen: ReadonlySet<ts.Symbol>): Origin | undefined {
    const { kind } = node.operatorToken
    // Its value is neither operand's, or a boolean.
    if (isComparison(kind) || kind === ts.SyntaxKind.CommaToken) return undefined
    return higher(this.originOf(node.left, seen), this.originOf(node.right, seen))
  }

  #ofCall(node: ts.CallExpression, seen: ReadonlySet<ts.Symbol>): Origin | undefined {
    const { checker } = this.#program
    const symbol = this.#program.symbolOf(node.expression)
    if (symbol !== undefined && this.#isChecksum(symbol)) return 'checksum'
    if (!isPrimitive(checker.getTypeAtLocation(node), checker)) return undefined
    if (
      symbol !== undefined &&
      READS.has(symbol.name) &&
      this.#program.implementedMember(symbol, 'StorageFile')
    )
      return 'size'
    const { expression } = node
    if (ts.isPropertyAccessExpression(expression)) {
      const owner = checker.getTypeAtLocation(expression.expression).symbol?.name
      if (owner === 'DataView' && expression.name.text.startsWith('get')) return 'disk'
    }
    const targets = this.#program.targets(node)
    const returned = targets.map((each) => this.#returns.get(each)).reduce(higher, undefined)
    if (returned !== undefined) return returned
    return node.arguments.map((each) => this.originOf(each, seen)).reduce(higher, undefined)
  }

  #isChecksum(symbol: ts.Symbol): boolean {
    const declaration = symbol.declarations?.[0]
    if (declaration === undefined || !/^crc32(?!Table)/.test(symbol.name)) return false
    return this.#program.packageOf(declaration) === 'codec'
  }

  #ofProperty(node: ts.PropertyAccessExpression, seen: ReadonlySet<ts.Symbol>): Origin | undefined {
    const { checker } = this.#program
    const symbol = this.#program.symbolOf(node)
    if (symbol === undefined) return undefined
    if (node.name.text === 'length' && this.#isBytes(node.expression)) {
      return this.#isHandedAndRead(node.expression) ? 'size' : this.originOf(node.expression, seen)
    }
    return this.#isDecodedProperty(symbol, checker.getTypeAtLocation(node)) ? 'disk' : undefined
  }

  #isDecodedProperty(symbol: ts.Symbol, type: ts.Type): boolean {
    if (type.getCallSignatures().length > 0) return false
    const owner = ownerOf(symbol, this.#program.checker)
    if (owner === undefined || (owner.flags & ts.SymbolFlags.Class) !== 0) return false
    return this.#types.has(owner)
  }

  #ofVariable(node: ts.Identifier, seen: ReadonlySet<ts.Symbol>): Origin | undefined {
    const symbol = this.#program.symbolOf(node)
    if (symbol === undefined || seen.has(symbol)) return undefined
    const handed = this.#parameters.get(symbol)
    if (handed !== undefined) return handed
    const declaration = symbol.valueDeclaration
    if (declaration === undefined || ts.isParameter(declaration)) return undefined
    if (ts.isBindingElement(declaration)) return this.#ofBinding(declaration)
    if (!ts.isVariableDeclaration(declaration)) return undefined
    const { checker } = this.#program
    if (!isPrimitive(checker.getTypeAtLocation(node), checker)) return undefined
    const more = new Set([...seen, symbol])
    return this.#program
      .assigned(symbol)
      .map((each) => this.originOf(each, more))
      .reduce(higher, undefined)
  }

  #ofBinding(node: ts.BindingElement): Origin | undefined {
    if (!ts.isObjectBindingPattern(node.parent)) return undefined
    const { checker } = this.#program
    const name = (node.propertyName ?? node.name).getText()
    const type = checker.getNonNullableType(checker.getTypeAtLocation(node.parent))
    const property = type.getProperty(name)
    if (property === undefined) return undefined
    return this.#isDecodedProperty(property, checker.getTypeAtLocation(node)) ? 'disk' : undefined
  }

  #isBytes(node: ts.Expression): boolean {
    return this.isBytesType(this.#program.checker.getTypeAtLocation(node))
  }

  /** Whether bytes are a parameter of a function that looks into them. */
  #isHandedAndRead(node: ts.Expression): boolean {
    const symbol = this.#program.symbolOf(node)
    const scope = enclosingFunction(node)
    if (symbol === undefined || scope === undefined || !this.#program.isParameter(symbol))
      return false
    let read = false
    walk(scope, (each) => {
      if (!ts.isIdentifier(each) || this.#program.symbolOf(each) !== symbol) return
      const { parent } = each
      read ||= ts.isElementAccessExpression(parent) && parent.expression === each
      for (let at: ts.Node = parent; at !== scope; at = at.parent) {
        read ||= ts.isNewExpression(at) && !at.expression.getText().endsWith('Error')
      }
    })
    return read
  }

  #noteReturn(unit: Unit): void {
    if (this.#returns.has(unit) || !this.#program.answersPrimitive(unit)) return
    const origins = this.#program.returned(unit).map((each) => this.originOf(each))
    const origin = origins.reduce(higher, undefined)
    if (origin !== undefined) this.#returns.set(unit, origin)
  }

  #noteParameters(unit: Unit): void {
    const { checker } = this.#program
    for (const parameter of unit.parameters) {
      const symbol = checker.getSymbolAtLocation(parameter.name)
      if (symbol === undefined || this.#parameters.has(symbol)) continue
      if (!isPrimitive(checker.getTypeAtLocation(parameter), checker)) continue
      const origins = this.#program.assigned(symbol).map((each) => this.originOf(each))
      if (origins.length === 0 || origins.includes(undefined)) continue
      this.#parameters.set(symbol, origins.reduce(higher, undefined)!)
    }
  }
}

export function higher(a: Origin | undefined, b: Origin | undefined): Origin | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return WEIGHT[a] >= WEIGHT[b] ? a : b
}

function ownerOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol | undefined {
  const owner = symbol.declarations?.[0]?.parent
  return owner && checker.getTypeAtLocation(owner).symbol
}

function isPrimitive(type: ts.Type, checker: ts.TypeChecker): boolean {
  const awaited = checker.getAwaitedType(type) ?? type
  const parts = awaited.isUnion() ? awaited.types : [awaited]
  const plain =
    ts.TypeFlags.NumberLike |
    ts.TypeFlags.BigIntLike |
    ts.TypeFlags.BooleanLike |
    ts.TypeFlags.StringLike
  return (
    parts.some(({ flags }) => (flags & plain) !== 0) &&
    parts.every(({ flags }) => (flags & (plain | ts.TypeFlags.Undefined | ts.TypeFlags.Null)) !== 0)
  )
}

export function isComparison(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken ||
    kind === ts.SyntaxKind.LessThanToken ||
    kind === ts.SyntaxKind.GreaterThanToken ||
    kind === ts.SyntaxKind.LessThanEqualsToken ||
    kind === ts.SyntaxKind.GreaterThanEqualsToken
  )
}
