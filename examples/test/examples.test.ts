import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))
const examples = readdirSync(folder).filter((name) => name.endsWith('.js'))

it('the README names each', () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  expect(examples.length).toBeGreaterThan(4)
  for (const name of examples) expect(readme).toContain(`(${name})`)
})

it.each(examples)('%s runs and prints what it says', (name) => {
  const path = join(folder, name)
  const [promised] = /(?:^\/\/ .*\n)+(?![^])/m.exec(readFileSync(path, 'utf8')) ?? []
  const cwd = mkdtempSync(join(tmpdir(), 'walrus-example-'))
  try {
    const printed = execFileSync(process.execPath, [path], { cwd, encoding: 'utf8' })
    expect(printed).toBe(promised!.replace(/^\/\/ /gm, ''))
  } finally {
    rmSync(cwd, { recursive: true })
  }
})
