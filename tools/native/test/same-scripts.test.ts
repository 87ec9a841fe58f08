import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../../../packages')
const native = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'native')))

// A published package can take its installation from no other, so each has its own copy.
it.each(['compile.js', 'install.js', 'prepack.js'])(
  'every native package has the same %s',
  (script) => {
    const texts = native.map((name) => readFileSync(join(packages, name, script), 'utf8'))
    expect(native.length).toBeGreaterThan(0)
    expect(new Set(texts).size).toBe(1)
  },
)
