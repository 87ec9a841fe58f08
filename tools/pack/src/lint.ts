// What publint and are-the-types-wrong say of a tarball. Each finding is one line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { run } from './run.ts'

export async function lint(tarball: string): Promise<string[]> {
  const bytes = readFileSync(tarball)
  const tarballBytes = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: tarballBytes }, strict: true })
  return messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  )
}

/** Only for a package with `exports`: one that is a program alone has no types to be wrong. */
export async function lintTypes(tarball: string): Promise<string[]> {
  const manifest = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')
  const attw = join(dirname(manifest), 'dist/index.js')
  const options = ['--profile', 'esm-only', '--no-definitely-typed', '--no-color', '--no-emoji']
  const { status, output } = await run(process.execPath, [attw, tarball, ...options, '-f', 'ascii'])
  return status === 0 ? [] : [`are-the-types-wrong:\n${output}`]
}
