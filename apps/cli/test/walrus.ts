/** The built command line as a child process, and a fresh directory for each test. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** For `expect.poll`: the machine may be busy. */
export const PATIENT = { timeout: 30_000, interval: 20 }

export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Settings {
  readonly input?: string | Uint8Array
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Makes the process believe that these are terminals. */
  readonly terminals?: readonly ('stdin' | 'stdout' | 'stderr')[]
}

/** A directory that does not exist yet, in one that is removed after the test. */
export function freshDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'walrus-cli-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'log')
}

/** A process under way and all it has printed so far. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  readonly #stdout: Buffer[] = []
  readonly #stderr: Buffer[] = []

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    child.stdout.on('data', (chunk: Buffer) => this.#stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk))
    // A command that fails early does not read what it is given.
    child.stdin.on('error', () => {})
    this.ended = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: Buffer.concat(this.#stdout),
      stderr: this.stderr,
    }))
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString()
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString()
  }
}

export function start(args: readonly string[], settings: Settings = {}): Running {
  const believe = (settings.terminals ?? []).map((name) => `process.${name}.isTTY=true`).join(';')
  const flags = believe === '' ? [] : ['--import', `data:text/javascript,${believe}`]
  return startProcess(process.execPath, [...flags, MAIN, ...args], settings)
}

/** Runs a command to its end on `input`, by default none. */
export function walrus(args: readonly string[], settings: Settings = {}): Promise<Ended> {
  return start(args, { input: '', ...settings }).ended
}

/** Runs a line of shell in which `walrus` is the command and `$1` and so on are `args`. */
export function shell(line: string, ...args: string[]): Promise<Ended> {
  const script = `walrus() { "$node" "$main" "$@"; }; ${line}`
  const env = { node: process.execPath, main: MAIN }
  return startProcess('sh', ['-c', script, 'sh', ...args], { input: '', env }).ended
}

function startProcess(file: string, args: readonly string[], settings: Settings): Running {
  const { WALRUS_DATA_DIR: _dir, WALRUS_DEBUG: _debug, FORCE_COLOR: _color, ...env } = process.env
  const child = spawn(file, args, { cwd: settings.cwd, env: { ...env, ...settings.env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (settings.input !== undefined) child.stdin.end(settings.input)
  return new Running(child)
}
