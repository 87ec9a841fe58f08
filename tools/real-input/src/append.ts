/**
 * Appending through the command line, to the end or until a kill at a moment that chance chose.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Input } from './input.ts'
import { type Child, ended, start } from './walrus.ts'

const PIECE_BYTES = 256 * 1024

/** When to kill: once `index` is acknowledged, and then `afterMs` milliseconds later. */
export interface Moment {
  readonly index: number
  readonly afterMs: number
}

export interface Appending {
  readonly dir: string
  readonly durability: string
  readonly input: Input
  /** Where in the input to begin. */
  readonly offset: number
}

/** Appends all the rest of the input; resolves to the last index acknowledged. */
export async function appendRest(appending: Appending): Promise<number> {
  const child = startAppending(appending)
  const end = ended(child)
  const acknowledged = lastAcknowledged(child)
  await feed(child, appending)
  child.stdin.end()
  const code = await end
  if (code !== 0) throw new Error(`walrus append ended with ${code}`)
  return acknowledged
}

/**
 * Appends and kills (SIGKILL) at `moment`; resolves to the last index acknowledged, 0 for none. The end of the
 * input is never told to the process, so it cannot finish before it is killed.
 */
export async function appendAndKill(appending: Appending, moment: Moment): Promise<number> {
  const child = startAppending(appending)
  const end = ended(child)
  let reached = (): void => {}
  const target = new Promise<void>((resolve) => (reached = resolve))
  if (moment.index === 0) reached()
  const acknowledged = lastAcknowledged(child, (index) => {
    if (index >= moment.index) reached()
  })
  const fed = feed(child, appending)
  await Promise.race([target, end])
  await sleep(moment.afterMs)
  child.kill('SIGKILL')
  const how = await end
  if (how !== 'SIGKILL') throw new Error(`walrus append ended by itself with ${how}`)
  await fed
  return acknowledged
}

function startAppending({ dir, durability }: Appending): Child {
  return start(['append', '--dir', dir, '--durability', durability, '--ack'])
}

/** Writes the input from its offset until its end, or until the process has gone. */
async function feed(child: Child, { input, offset }: Appending): Promise<void> {
  let gone = false
  // Written to a killed process, a pipe breaks; how it ended is told by its exit code.
  child.stdin.on('error', () => {
    gone = true
  })
  for (let at = offset; !gone; ) {
    const piece = await input.read(Buffer.allocUnsafe(PIECE_BYTES), at)
    if (piece.length === 0) return
    at += piece.length
    await new Promise<void>((resolve) => child.stdin.write(piece, () => resolve()))
  }
}

/** Reads the acknowledgement channel to its end. A line cut short by the kill counts for nothing. */
async function lastAcknowledged(
  child: Child,
  seen: (index: number) => void = () => {},
): Promise<number> {
  let last = 0
  let rest = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const index = Number(line)
      if (!Number.isSafeInteger(index) || index <= last)
        throw new Error(`not an acknowledgement after ${last}: ${line}`)
      last = index
      seen(index)
    }
  }
  return last
}
