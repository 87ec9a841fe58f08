/**
 * The shell with a person: a prompt, completion, a history that is kept, and a way out that loses nothing.
 *
 * Ways out are EXIT, Ctrl-D, Ctrl-C twice, and the signals that end a terminal's programs. Whichever it is, the store
 * is committed and closed by the caller when this resolves.
 */
import { createInterface, type Interface } from 'node:readline'
import { styleText } from 'node:util'
import { describe } from '../errors.ts'
import { escapeBytes, escapeText } from '../escape.ts'
import { type Answer, COMMAND_NAMES, KEY_COMMANDS, obey, type Store } from './commands.ts'
import { readHistory, writeHistory } from './history.ts'
import { LineError, quote } from './words.ts'

const PROMPT = 'walrus> '
const BANNER = 'Walrus: keys that stay where they are put. HELP lists the commands, Ctrl-D leaves.'
const HISTORY_LINES = 1000
/** The most keys that are offered. */
const MOST_OFFERED = 100

type Format = Parameters<typeof styleText>[0]

const TONES: Readonly<Record<Answer['tone'], Format | undefined>> = {
  done: 'green',
  plain: undefined,
  missing: 'yellow',
}

/** Resolves to the exit code: 0, or 128 and the signal's number. */
export async function runTerminal(store: Store): Promise<number> {
  const shell = new Shell(store)
  return await shell.run()
}

class Shell {
  readonly #store: Store
  readonly #lines: Interface
  #exitCode = 0
  #interrupted = false
  #busy: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
    this.#lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      history: readHistory(),
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string) => complete(store, line),
    })
  }

  async run(): Promise<number> {
    const lines = this.#lines
    let history: readonly string[] = []
    lines.on('history', (newest: string[]) => {
      history = [...newest]
    })
    const ended = new Promise<void>((resolve) => lines.once('close', resolve))
    const end = (code: number): void => {
      this.#exitCode = code
      lines.close()
    }
    const onTerm = (): void => end(143)
    const onHup = (): void => end(129)
    process.once('SIGTERM', onTerm).once('SIGHUP', onHup)
    say(BANNER, 'bold')
    say(`Recovered ${this.#store.size} key(s)`)
    lines.on('SIGINT', () => this.#interrupt())
    lines.on('line', (line) => {
      this.#interrupted = false
      // One after another, as they were typed or pasted.
      this.#busy = this.#busy.then(() => this.#take(line))
    })
    lines.prompt()
    await ended
    await this.#busy
    process.off('SIGTERM', onTerm).off('SIGHUP', onHup)
    if (history.length > 0) writeHistory(history)
    say('Goodbye!')
    return this.#exitCode
  }

  /** The first Ctrl-C gives up the line, the second one the shell. */
  #interrupt(): void {
    if (this.#interrupted) {
      process.stdout.write('\n')
      this.#lines.close()
      return
    }
    this.#interrupted = true
    process.stdout.write('\n(Ctrl-C again leaves)\n')
    // As a person would: what was typed goes, and the prompt comes anew.
    this.#lines.write(null, { ctrl: true, name: 'e' })
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#lines.prompt()
  }

  async #take(line: string): Promise<void> {
    try {
      const answer = await obey(this.#store, line, escapeBytes)
      if (answer !== undefined) {
        for (const each of answer.lines) say(each, TONES[answer.tone])
        if (answer.next === 'clear') process.stdout.write('\x1b[H\x1b[2J\x1b[3J')
        if (answer.next === 'exit') {
          this.#lines.close()
          return
        }
      }
    } catch (error) {
      if (error instanceof LineError) say(escapeText(error.message), 'red')
      else process.stdout.write(describe(error))
    }
    this.#lines.prompt()
  }
}

function say(line: string, format?: Format): void {
  const text = format === undefined ? line : styleText(format, line, { stream: process.stdout })
  process.stdout.write(`${text}\n`)
}

/** What the line may go on with: commands, and keys for those that take one. */
function complete(store: Store, line: string): [string[], string] {
  const [, command = '', space = '', begun = ''] = /^\s*(\S*)(\s*)(.*)$/su.exec(line) ?? []
  if (space === '') {
    const isUpper = command !== '' && command === command.toUpperCase()
    const names = COMMAND_NAMES.map((name) => `${isUpper ? name : name.toLowerCase()} `)
    return [names.filter((name) => name.startsWith(command)), command]
  }
  const isDone = /^\S+\s|^"(?:[^"\\]|\\.)*"/su.test(begun)
  if (isDone || !KEY_COMMANDS.includes(command.toUpperCase())) return [[], begun]
  const keys = store.keys({ prefix: begun.replace(/^"/u, ''), limit: MOST_OFFERED })
  const offered = [...keys].map(quote)
  return [offered.filter((key) => key.startsWith(begun)), begun]
}
