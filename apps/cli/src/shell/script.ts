/** The shell without a person: commands from standard input, one a line, answers on standard output. */
import { isUtf8 } from 'node:buffer'
import { createInterface } from 'node:readline'
import { usageError } from '../errors.ts'
import { escapeBytes, escapeText } from '../escape.ts'
import { Output } from '../output.ts'
import { standardInput } from '../stdin.ts'
import { obey, type Show, type Store } from './commands.ts'
import { LineError } from './words.ts'

/**
 * Obeys the lines until the end, EXIT, or the first one that is wrong.
 * @throws `WALRUS_USAGE` for that, with its number
 */
export async function runScript(store: Store): Promise<number> {
  const stop = new AbortController()
  const output = new Output(() => stop.abort())
  // Text passes through as it is; what is no text has no form that a line can hold.
  const show: Show = (bytes) => (isUtf8(bytes) ? Buffer.from(bytes).toString() : escapeBytes(bytes))
  const lines = createInterface({ input: standardInput().stream })
  let number = 0
  try {
    for await (const line of lines) {
      number++
      const answer = await obeyed(store, line, number, show)
      for (const each of answer?.lines ?? []) output.putText(`${each}\n`)
      if (answer?.next === 'exit') break
      if (output.full) await output.flush()
      if (output.closed) break
    }
  } finally {
    lines.close()
    await output.flush()
  }
  return 0
}

async function obeyed(
  store: Store,
  line: string,
  number: number,
  show: Show,
): ReturnType<typeof obey> {
  try {
    return await obey(store, line, show)
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    throw usageError(`line ${number}: ${escapeText(error.message)}`, [
      'walrus shell --help says more.',
    ])
  }
}
