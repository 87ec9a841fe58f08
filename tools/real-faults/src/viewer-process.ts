/** Starts the process that looks at a log's entries where they lie, and asks what came of it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { hold } from './resources.ts'

const VIEWER = fileURLToPath(new URL('../dist/viewer.js', import.meta.url))

/** What came of it. */
export interface Viewed {
  readonly entries: number
  /** In words; `undefined` when all entries went on showing what they showed. */
  readonly wrong: string | undefined
}

export class Viewer {
  readonly #child: ReturnType<typeof spawn>
  readonly #ended: Promise<Viewed>

  constructor(dir: string, storage: string) {
    this.#child = spawn(process.execPath, [VIEWER, dir, storage], { stdio: 'pipe' })
    const letGo = hold(() => this.#child.kill('SIGKILL'))
    this.#ended = this.#listen().finally(letGo)
  }

  /** Has it look once more and end. May be called twice. */
  async stop(): Promise<Viewed> {
    this.#child.stdin!.end()
    return await this.#ended
  }

  async #listen(): Promise<Viewed> {
    const child = this.#child
    // One that has died leaves a broken pipe.
    child.stdin!.on('error', () => {})
    const closed = once(child, 'close')
    const [said, errors] = await Promise.all([text(child.stdout!), text(child.stderr!)])
    const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null]
    if (code === 0) return { entries: Number(said), wrong: undefined }
    const wrong = `the process that looked on ended with ${signal ?? code}: ${errors.trim()}`
    return { entries: 0, wrong }
  }
}
