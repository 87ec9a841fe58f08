/** Starts the process that uses a log, listens to it, and kills it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { REPORT_FD, type Report, type Task } from './protocol.ts'
import { hold } from './resources.ts'

const CHILD = fileURLToPath(new URL('../dist/child.js', import.meta.url))
/** A process that has not come to its end by then never will. */
const DEADLINE_MS = 60_000

/** How a process lived. */
export interface Life {
  readonly reports: readonly Report[]
  /** Its exit code, or the signal that killed it. */
  readonly how: number | NodeJS.Signals
  /** What it wrote to standard error. */
  readonly errors: string
  readonly hung: boolean
}

export class LogProcess {
  /** Resolves when the process is gone and everything it said has been read. */
  readonly ended: Promise<Life>
  readonly #child: ReturnType<typeof spawn>
  readonly #reports: Report[] = []
  readonly #heard: (report: Report) => void
  #errors = ''
  #hung = false

  /**
   * @param under a command to run it under, its arguments before the process's own
   * @param heard called with each report
   */
  constructor(
    task: Task,
    heard: (report: Report) => void = () => {},
    under: readonly string[] = [],
  ) {
    const [command = process.execPath, ...args] = under
    const own = [...(under.length > 0 ? [process.execPath] : []), CHILD, JSON.stringify(task)]
    const { NODE_OPTIONS: _, ...env } = process.env
    this.#heard = heard
    this.#child = spawn(command, [...args, ...own], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      // A group of its own, to be killed as one.
      detached: true,
      env: {
        ...env,
        // The calls under test are to be system calls, made by one thread beside the main one, so that they can be counted.
        UV_USE_IO_URING: '0',
        ...(under.length > 0 ? { UV_THREADPOOL_SIZE: '1' } : {}),
      },
    })
    const letGo = hold(() => this.kill())
    const deadline = setTimeout(() => {
      this.#hung = true
      this.kill()
    }, DEADLINE_MS)
    this.ended = this.#listen().finally(() => {
      clearTimeout(deadline)
      letGo()
    })
  }

  /** With SIGKILL, at once, and with it what it runs under. */
  kill(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has gone by itself.
    }
  }

  async #listen(): Promise<Life> {
    const child = this.#child
    const closed = once(child, 'close')
    // A killed process leaves a broken pipe.
    child.stdin!.on('error', () => {})
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000)
    })
    let rest = ''
    const pipe = child.stdio[REPORT_FD] as NodeJS.ReadableStream
    pipe.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) this.#hear(JSON.parse(line) as Report)
    })
    const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null]
    return {
      reports: this.#reports,
      how: signal ?? code!,
      errors: this.#errors,
      hung: this.#hung,
    }
  }

  #hear(report: Report): void {
    this.#reports.push(report)
    this.#heard(report)
  }
}
