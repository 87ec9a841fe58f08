/** The other end of a subject's process. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { NotRun, type Sample, type Subject } from './subject.ts'
import type { Answer } from './subject-process.ts'
import type { Sizes } from './workload.ts'

const PROGRAM = fileURLToPath(new URL('./subject-process.js', import.meta.url))

/** A subject in a process of its own, alive between its runs. */
export class SubjectHost implements Subject {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts the process and waits until the subject has prepared its data. Throws {@link NotRun} where it cannot. */
  static async start(name: string, directory: string, sizes: Sizes): Promise<SubjectHost> {
    const child = fork(PROGRAM, [name, directory, String(sizes.bulkBytes)], {
      serialization: 'advanced',
      execArgv: ['--expose-gc'],
    })
    const host = new SubjectHost(child)
    try {
      await host.#answer()
    } catch (error) {
      await host.close()
      throw error
    }
    return host
  }

  async run(): Promise<Sample> {
    const answer = this.#answer()
    this.#child.send('run')
    const given = await answer
    if (!('sample' in given)) throw new Error('the process answered without a sample')
    return given.sample
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
  }

  async #answer(): Promise<Exclude<Answer, { notRun: string } | { failed: string }>> {
    const abort = new AbortController()
    try {
      const { signal } = abort
      const [message] = (await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(([code, killer]) => {
          throw new Error(`the process ended with ${killer ?? code}`)
        }),
      ])) as [Answer]
      if ('notRun' in message) throw new NotRun(message.notRun)
      if ('failed' in message) throw new Error(message.failed)
      return message
    } finally {
      abort.abort()
    }
  }
}
