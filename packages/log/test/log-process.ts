/** A process that uses a log for the tests, and dies with them. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LogOptions } from '../src/index.ts'

export class LogProcess {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>

  constructor(dir: string, options: { uid?: number; gid?: number } = {}) {
    const program = fileURLToPath(new URL('processes/log-user.mjs', import.meta.url))
    // Without what the test runner has every process load: another user may not be able to read it.
    this.child = fork(program, [dir], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      ...options,
    })
    this.exited = once(this.child, 'exit')
  }

  /** Sends a command, and waits for its answer, or throws the code of its error. */
  async tell(command: string, argument?: unknown): Promise<unknown> {
    const answered = once(this.child, 'message')
    this.child.send({ command, argument })
    const ended = this.exited.then(() => [{ error: 'the process has ended' }])
    const [{ answer, error }] = (await Promise.race([answered, ended])) as [
      { answer?: unknown; error?: string },
    ]
    if (error !== undefined) throw new Error(error)
    return answer
  }

  async open(options: LogOptions = {}): Promise<void> {
    await this.tell('open', options)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }
}
