/**
 * The built command line as child processes: the same program a person runs, and one that can be killed.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('dist/main.js', import.meta.resolve('@walrus/cli/package.json')))

export type Child = ChildProcessByStdio<Writable, Readable, null>

/** Starts `walrus` with `args`; what it says on standard error is shown. */
export function start(args: readonly string[]): Child {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Resolves once the process has ended and its output is read: `0`, another code, or the signal that killed it. */
export async function ended(child: Child): Promise<number | NodeJS.Signals> {
  const [code, signal] = await once(child, 'close')
  return signal ?? code
}

/** Runs `walrus` to its end and returns its standard output. */
export async function run(args: readonly string[]): Promise<string> {
  const child = start(args)
  child.stdin.end()
  const end = ended(child)
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk
  const code = await end
  if (code !== 0) throw new Error(`walrus ${args.join(' ')} ended with ${code}:\n${text}`)
  return text
}
