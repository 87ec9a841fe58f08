/** `walrus shell`, and `walrus` on a terminal. */
import { Kv } from '@walrus/kv'
import { runScript } from '../shell/script.ts'
import { runTerminal } from '../shell/terminal.ts'

export interface ShellOptions {
  readonly dir: string
  readonly stream: string
}

export async function shell({ dir, stream }: ShellOptions): Promise<number> {
  const options = { stream, keyEncoding: 'bytes', valueEncoding: 'bytes' } as const
  await using kv = await Kv.open(dir, options)
  const code = await (process.stdin.isTTY ? runTerminal(kv) : runScript(kv))
  await kv.commit()
  return code
}
