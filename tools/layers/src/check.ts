// The rules. Each finding is one line, `file:line: what is wrong`.
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { cycles } from './cycles.ts'
import { offers } from './exports.ts'
import { importsOf } from './imports.ts'
import { hasPlace, mayUse } from './order.ts'
import {
  type Manifest,
  type Package,
  readManifest,
  readPackages,
  type SourceFile,
} from './workspace.ts'

const SHIPPED = ['dependencies', 'optionalDependencies', 'peerDependencies'] as const
const DECLARED = [...SHIPPED, 'devDependencies'] as const

/** @returns findings in the order of packages and files; none means all is well */
export function check(root: string): string[] {
  const packages = readPackages(root)
  const byName = new Map(packages.map((each) => [each.name, each]))
  const shared = readManifest(root).manifest.devDependencies ?? {}
  return packages.flatMap((each) => new PackageCheck(each, byName, shared).run())
}

class PackageCheck {
  readonly #package: Package
  readonly #byName: ReadonlyMap<string, Package>
  readonly #shared: Record<string, string>
  readonly #findings: string[] = []
  readonly #used = new Set<string>()
  readonly #graph = new Map<string, string[]>()

  /** @param shared the root's devDependencies, which every package's tests may use */
  constructor(each: Package, byName: ReadonlyMap<string, Package>, shared: Record<string, string>) {
    this.#package = each
    this.#byName = byName
    this.#shared = shared
  }

  run(): string[] {
    if (!hasPlace(this.#package.dir)) {
      this.#report('package.json', 1, `${this.#package.name} has no place in the layers`)
    }
    for (const file of this.#package.files) this.#checkFile(file)
    this.#checkDeclarations()
    for (const cycle of cycles(this.#graph)) {
      const [first = ''] = cycle
      this.#report(first, 1, `import cycle: ${[...cycle, first].join(' -> ')}`)
    }
    return this.#findings
  }

  #checkFile(file: SourceFile): void {
    this.#graph.set(file.path, [])
    let imports: ReturnType<typeof importsOf>
    try {
      imports = importsOf(file.path, file.text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      this.#report(file.path, 1, `cannot be parsed: ${error.message}`)
      return
    }
    for (const { specifier, line } of imports) {
      const wrong = /^\.{0,2}\//.test(specifier)
        ? this.#relative(file, specifier)
        : this.#named(file, specifier)
      if (wrong !== undefined) this.#report(file.path, line, wrong)
    }
  }

  #relative(file: SourceFile, specifier: string): string | undefined {
    const target = posix.join(posix.dirname(file.path), specifier)
    if (specifier.startsWith('/') || target.startsWith('../')) {
      return `${specifier} leads out of the package; use the other package's public entry`
    }
    const found = this.#package.files.find(({ path }) => path === target)
    // A built file or a data file of its own: nothing to say about layers.
    if (found === undefined) return undefined
    if (found.isTest && !file.isTest) return `${specifier} is a test file`
    this.#graph.get(file.path)?.push(target)
    return undefined
  }

  #named(file: SourceFile, specifier: string): string | undefined {
    if (specifier.startsWith('node:')) return undefined
    if (builtinModules.includes(specifier)) return `write node:${specifier}`
    const name = packageName(specifier)
    const subpath = `.${specifier.slice(name.length)}`
    const other = this.#byName.get(name)
    if (other !== undefined && !offers(other.manifest.exports, subpath)) {
      return `${specifier} is not among the exports of ${name}`
    }
    if (other === this.#package) {
      return file.isTest ? undefined : `${specifier} is this package itself; import the file`
    }
    this.#used.add(name)
    return (other && this.#order(other, file.isTest)) ?? this.#declaration(name, file.isTest)
  }

  #order(other: Package, inTests: boolean): string | undefined {
    if (mayUse(this.#package.dir, other.dir, inTests)) return undefined
    return `${other.name} is not below ${this.#package.name} in the layers`
  }

  #declaration(name: string, inTests: boolean): string | undefined {
    // Nobody installs a private package: what it declares for development is there when it runs.
    const fields = inTests || this.#package.manifest.private === true ? DECLARED : SHIPPED
    if (fields.some((field) => this.#package.manifest[field]?.[name] !== undefined))
      return undefined
    if (inTests && this.#shared[name] !== undefined) return undefined
    const isDev = this.#package.manifest.devDependencies?.[name] !== undefined
    return isDev
      ? `${name} is a devDependency but used outside tests`
      : `${name} is not declared in package.json`
  }

  #checkDeclarations(): void {
    for (const field of DECLARED) {
      for (const name of Object.keys(this.#package.manifest[field] ?? {})) {
        const other = this.#byName.get(name)
        if (other === undefined) continue
        const wrong = this.#declared(field, other)
        if (wrong !== undefined)
          this.#report('package.json', lineOf(this.#package.text, name), wrong)
      }
    }
  }

  #declared(field: keyof Manifest, other: Package): string | undefined {
    const order = this.#order(other, field === 'devDependencies')
    if (order !== undefined) return order
    if (this.#used.has(other.name)) return undefined
    return `${other.name} is declared in ${field} but never imported`
  }

  #report(path: string, line: number, what: string): void {
    this.#findings.push(`${this.#package.dir}/${path}:${line}: ${what}`)
  }
}

/** `@scope/name` or `name` of a specifier that may go on with a path. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function lineOf(text: string, name: string): number {
  const lines = text.split('\n')
  // The last one: the name of the package itself comes first in a manifest.
  return lines.findLastIndex((line) => line.includes(`"${name}"`)) + 1
}
