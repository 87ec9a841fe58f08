/** A process that holds locks for the tests, and dies with them. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export class HolderProcess {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>

  constructor(dir: string) {
    const program = fileURLToPath(new URL('processes/holder.mjs', import.meta.url))
    this.child = fork(program, [dir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.exited = once(this.child, 'exit')
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Sends a command, and waits for its answer. */
  async tell(command: string, argument?: unknown): Promise<unknown> {
    const answer = once(this.child, 'message')
    this.child.send({ command, argument })
    const [{ answer: value }] = (await answer) as [{ answer: unknown }]
    return value
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }
}
