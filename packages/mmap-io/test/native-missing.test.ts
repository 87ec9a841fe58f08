/** What becomes of an installation: a packed binary, a compiler, or neither. */

import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { supported } from '@walrus/mmap-io'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { dir } = scratch()
const source = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** The package as it is installed, without a binary. */
function installation(): string {
  const root = dir()
  for (const name of ['package.json', 'dist', 'native', 'compile.js', 'install.js', 'prepack.js']) {
    cpSync(join(source, name), join(root, name), { recursive: true })
  }
  mkdirSync(join(root, 'node_modules'))
  symlinkSync(
    join(source, 'node_modules/node-api-headers'),
    join(root, 'node_modules/node-api-headers'),
  )
  return root
}

/** Prints what `script` prints with the package imported as `m`. */
async function use(root: string, script: string): Promise<string> {
  const code = `import * as m from './dist/index.js'\n${script}`
  const args = ['--input-type=module', '--eval', code]
  return (await run(process.execPath, args, { cwd: root })).stdout.trimEnd()
}

async function install(root: string, cc: string): Promise<string> {
  const env = { ...process.env, CC: cc }
  return (await run(process.execPath, ['install.js'], { cwd: root, env })).stdout
}

it('this machine has a compiler, so the binary is there', () => {
  expect(supported()).toEqual({ ok: true })
})

describe('without a compiler', () => {
  it('the installation prints one line and succeeds', async () => {
    const root = installation()
    for (const cc of ['/no/such/compiler', 'false']) {
      const printed = await install(root, cc)
      expect(printed).toMatch(/^mmap-io: no native binary, going on without: [^\n]+\n$/)
      expect(printed).toContain(cc)
    }
    expect(existsSync(join(root, 'build/mmap-io.node'))).toBe(false)
  })

  it('the import works, says why, and every call throws that reason', async () => {
    const root = installation()
    const printed = await use(
      root,
      `const codes = new Set()
       for (const [name, it] of Object.entries(m)) {
         if (typeof it !== 'function' || /^[A-Z]|supported/.test(name)) continue
         try { it(1, {}) } catch (error) { codes.add(error.code + ' ' + error.name) }
       }
       try { m.default.map(1, 1, 1, 0) } catch (error) { codes.add(error.code + ' ' + error.name) }
       console.log(JSON.stringify([m.supported(), [...codes], m.PROT_READ]))`,
    )
    expect(JSON.parse(printed)).toEqual([
      { ok: false, reason: expect.stringContaining('C compiler') as string },
      ['WALRUS_NATIVE_MISSING NativeMissingError'],
      1,
    ])
  })

  it('a binary that does not load is told of', async () => {
    const root = installation()
    mkdirSync(join(root, 'build'))
    writeFileSync(join(root, 'build/mmap-io.node'), 'no binary')
    const printed = await use(root, 'console.log(m.supported().reason)')
    expect(printed).toContain('build/mmap-io.node does not load')
  })

  it('the packed binary is used, by the installation and by the import', async () => {
    const root = installation()
    cpSync(join(source, 'build'), join(root, 'build'), { recursive: true })
    await run(process.execPath, ['prepack.js'], { cwd: root })
    await run('rm', ['-r', join(root, 'build')])
    expect(await install(root, '/no/such/compiler')).toBe('')
    expect(await use(root, 'console.log(m.supported().ok)')).toBe('true')
    const packed = join(root, `prebuilds/${process.platform}-${process.arch}/mmap-io.node`)
    expect(readFileSync(packed).subarray(1, 4).toString()).toBe('ELF')
  })
})

describe('with a compiler', () => {
  it('a binary is compiled where the packed one does not load', async () => {
    const root = installation()
    const packed = join(root, `prebuilds/${process.platform}-${process.arch}`)
    mkdirSync(packed, { recursive: true })
    writeFileSync(join(packed, 'mmap-io.node'), 'for another libc')
    expect(await install(root, 'cc')).toBe('')
    expect(await use(root, 'console.log(m.supported().ok)')).toBe('true')
  })

  it('$CC may have arguments of its own', async () => {
    const root = installation()
    expect(await install(root, 'cc -O0 -g')).toBe('')
    expect(existsSync(join(root, 'build/mmap-io.node'))).toBe(true)
  })
})
