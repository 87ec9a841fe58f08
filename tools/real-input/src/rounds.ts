/**
 * The test itself: append, kill, verify, read back, and so on to the end of the input.
 *
 * After every kill must hold: the log verifies; it reads back as a beginning of the input, byte for byte, so that
 * nothing is lost in the middle, changed, reordered or made up; and that beginning covers every index that had
 * been acknowledged. A killed process loses nothing that was written, so this holds in every durability.
 */
import { appendAndKill, appendRest, type Moment } from './append.ts'
import { Difference, type Matched, matchBeginning } from './compare.ts'
import type { Input } from './input.ts'
import { ended, run, start } from './walrus.ts'

/** By default most rounds commit, as the command does; one each tries the weaker modes. */
const DURABILITIES = ['commit', '10ms', 'none']

export interface Plan {
  readonly dir: string
  readonly input: Input
  readonly rounds: number
  readonly random: () => number
  readonly say: (line: string) => void
}

export async function runRounds(plan: Plan): Promise<void> {
  const { dir, input, rounds, random, say } = plan
  const needed = 10 * (rounds + 1)
  if (input.lines < needed)
    throw new Error(`${rounds} rounds need ${needed} lines, not ${input.lines}`)
  let there: Matched = { bytes: 0, lines: 0 }
  for (let round = 1; round <= rounds; round++) {
    const durability = DURABILITIES[round - 1] ?? 'commit'
    const moment = momentOf(random, there.lines, input.lines, rounds - round + 1)
    const appending = { dir, durability, input, offset: there.bytes }
    const acknowledged = Math.max(there.lines, await appendAndKill(appending, moment))
    there = await readBack(dir, input)
    checkAcknowledged(acknowledged, there)
    say(
      `round ${round}: ${durability}, killed at ${acknowledged} acknowledged, ${there.lines} there`,
    )
  }
  const left = input.lines - there.lines
  const appending = { dir, durability: 'commit', input, offset: there.bytes }
  const acknowledged = Math.max(there.lines, await appendRest(appending))
  if (acknowledged !== input.lines) {
    throw new Difference(`${input.lines} lines went in, ${acknowledged} were acknowledged`)
  }
  there = await readBack(dir, input)
  checkAcknowledged(acknowledged, there)
  say(`the rest: ${left} lines, ${there.lines} there`)
}

/**
 * Four of five kills strike while it appends, the others around its start, when it recovers from the kill before.
 * Each round leaves about as much of the input to those after it.
 */
function momentOf(random: () => number, there: number, lines: number, roundsLeft: number): Moment {
  const share = Math.floor((lines - there) / (roundsLeft + 1))
  const atStart = there > 0 && random() < 0.2
  if (atStart || share === 0) return { index: 0, afterMs: random() * 400 }
  return { index: there + 1 + Math.floor(random() * share), afterMs: random() * 5 }
}

/** What is there, once `walrus verify` has found it sound and it is equal to the input as far as it goes. */
async function readBack(dir: string, input: Input): Promise<Matched> {
  await run(['verify', '--dir', dir])
  const { lastIndex } = JSON.parse(await run(['stat', '--dir', dir, '--json']))
  const child = start(['read', '--dir', dir])
  child.stdin.end()
  const end = ended(child)
  const matched = await matchBeginning(child.stdout, input)
  const code = await end
  if (code !== 0) throw new Error(`walrus read ended with ${code}`)
  if (lastIndex !== matched.lines) {
    throw new Difference(`walrus stat says ${lastIndex} entries, walrus read gave ${matched.lines}`)
  }
  return matched
}

function checkAcknowledged(acknowledged: number, there: Matched): void {
  if (there.lines >= acknowledged) return
  const lost = `line ${there.lines + 1}, byte ${there.bytes}`
  throw new Difference(`${lost}: lost, although ${acknowledged} lines were acknowledged`)
}
