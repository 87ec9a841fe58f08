/** strace: whether it can be used here, what to run a process under, and what its output tells. */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** System calls that change what is on disk, or make it durable. `?` passes over those a machine does not have. */
const CHANGING = '?pwrite64,?fdatasync,?fsync,?ftruncate,?rename,?renameat,?renameat2,?unlink'

/** Why strace cannot be used here; `undefined` when it can. */
export async function straceMissing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'there is no strace on this system'
  const fault = ['-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO']
  try {
    const args = ['-f', '--seccomp-bpf', '-o', '/dev/null', ...fault, 'true']
    await promisify(execFile)('strace', args, { timeout: 20_000 })
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return 'strace is not installed'
    }
    return `strace cannot be used: ${String(error).trim().split('\n').at(-1)}`
  }
}

/** Makes every write, sync and rename of a process take so many milliseconds more. */
export function slowly(ms: number): string[] {
  const calls = CHANGING
  return [
    ...['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`],
    ...['-e', `inject=${calls}:delay_enter=${ms * 1000}`],
  ]
}

/** What is done to a process's system calls. */
export interface Injection {
  readonly call: string
  /** As strace has it: `error=EIO`, `signal=KILL`. */
  readonly instead: string
  /** To the how manieth, from 1, that each thread makes. */
  readonly number: number
  /** And to every later one. */
  readonly everAfter?: boolean
  /** Counting only calls on this file. */
  readonly path?: string | undefined
}

/** Notes the calls named in a file, and does something to one of them. */
export function tracing(output: string, calls: string, injection?: Injection): string[] {
  const args = ['strace', '-f', '-qq', '-y', '-s', '0', '-o', output, '-e', `trace=${calls}`]
  if (injection === undefined) return [...args, '--seccomp-bpf']
  const { call, instead, number, everAfter, path } = injection
  if (path !== undefined) args.push('-P', path)
  // A signal is not delivered where seccomp chooses the calls.
  if (!instead.startsWith('signal=')) args.push('--seccomp-bpf')
  return [...args, '-e', `inject=${call}:${instead}:when=${number}${everAfter === true ? '+' : ''}`]
}

/** One system call of a traced process. */
export interface Call {
  readonly thread: string
  readonly name: string
  /** With the paths of its files. */
  readonly text: string
  /** Whether its result was made up. */
  readonly injected: boolean
}

/** The calls in the order they began. */
export async function tracedCalls(output: string): Promise<Call[]> {
  const calls: { -readonly [K in keyof Call]: Call[K] }[] = []
  for (const line of (await readFile(output, 'utf8')).split('\n')) {
    const [, thread, text] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (thread === undefined || text === undefined) continue
    const injected = text.endsWith('(INJECTED)')
    if (text.startsWith('<... ')) {
      const resumed = calls.findLast((call) => call.thread === thread)
      if (resumed !== undefined && injected) resumed.injected = true
      continue
    }
    const [, name] = /^(\w+)\(/.exec(text) ?? []
    if (name === undefined) continue
    calls.push({ thread, name, text, injected })
  }
  return calls
}
