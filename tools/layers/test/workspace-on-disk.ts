// A workspace in a temporary directory, made from a map of paths to texts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { check } from '../src/check.ts'

/** Checks packages given as `{ 'packages/log': { 'src/a.ts': '…', 'package.json': {…} } }`. */
export function checkWorkspace(
  packages: Record<string, Record<string, string | object>>,
): string[] {
  const root = mkdtempSync(join(tmpdir(), 'walrus-layers-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  write(join(root, 'package.json'), { devDependencies: { vitest: '4' } })
  for (const [dir, files] of Object.entries(packages)) {
    const name = `@walrus/${dir.split('/')[1]}`
    const exports = { '.': './dist/index.js' }
    write(join(root, dir, 'package.json'), { name, exports, ...(files['package.json'] as object) })
    for (const [path, text] of Object.entries(files)) {
      if (path !== 'package.json') write(join(root, dir, path), text)
    }
  }
  return check(root)
}

function write(path: string, content: string | object): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 1))
}
