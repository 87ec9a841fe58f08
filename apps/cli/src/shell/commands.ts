/** The commands of the shell: what each does with the store, and its answer. */
import type { Kv } from '@walrus/kv'
import { firstWord, LineError, onlyWord, parseLine, valueOf } from './words.ts'

export type Store = Kv<Uint8Array, Uint8Array>

/** Makes stored bytes what may be printed. */
export type Show = (bytes: Uint8Array) => string

/** What becomes of a line. */
export interface Answer {
  /** To be printed, each on a line. */
  readonly lines: Iterable<string>
  /** What it is: green, plain, or what a person may have got wrong. */
  readonly tone: 'done' | 'plain' | 'missing'
  /** What the shell is to do besides. */
  readonly next?: 'clear' | 'exit'
}

interface Command {
  readonly names: readonly [string, ...string[]]
  /** What is typed behind the name. */
  readonly usage: string
  readonly help: string
  readonly run: (store: Store, rest: string, show: Show) => Promise<Answer> | Answer
}

const done = (line: string): Answer => ({ lines: [line], tone: 'done' })
const plain = (line: string): Answer => ({ lines: [line], tone: 'plain' })
const missing = (line: string): Answer => ({ lines: [line], tone: 'missing' })

const COMMANDS: readonly Command[] = [
  {
    names: ['SET'],
    usage: '<key> <value>',
    help: 'set a key; the rest of the line is the value',
    async run(store, text, show) {
      const { word: key, rest } = firstWord(text)
      if (text === '' || rest === '') throw new LineError('Usage: SET <key> <value>')
      const value = valueOf(rest)
      await store.set(key, value)
      return done(`OK (set '${show(key)}' = '${show(value)}')`)
    },
  },
  {
    names: ['GET'],
    usage: '<key>',
    help: 'print the value of a key',
    async run(store, rest, show) {
      const key = keyOf('GET', rest)
      const value = await store.get(key)
      return value === undefined ? missing(`Key '${show(key)}' not found`) : plain(show(value))
    },
  },
  {
    names: ['DELETE', 'DEL'],
    usage: '<key>',
    help: 'delete a key',
    async run(store, rest, show) {
      const key = keyOf('DELETE', rest)
      return (await store.delete(key))
        ? done(`OK (deleted '${show(key)}')`)
        : missing(`Key '${show(key)}' does not exist`)
    },
  },
  {
    names: ['HAS', 'EXISTS'],
    usage: '<key>',
    help: 'tell whether a key exists',
    run(store, rest, show) {
      const key = keyOf('HAS', rest)
      return store.has(key)
        ? plain(`Key '${show(key)}' exists`)
        : missing(`Key '${show(key)}' does not exist`)
    },
  },
  {
    names: ['KEYS'],
    usage: '[prefix]',
    help: 'list the keys, in the order of their bytes',
    run(store, rest, show) {
      const prefix = onlyWord(rest)
      const keys = [...store.keys({ prefix })]
      if (keys.length === 0) return plain('No keys stored')
      return { lines: numbered(keys, show), tone: 'plain' }
    },
  },
  {
    names: ['LEN', 'COUNT'],
    usage: '',
    help: 'count the keys',
    run: (store) => plain(`Total keys: ${store.size}`),
  },
  {
    names: ['COMMIT'],
    usage: '',
    help: 'have everything on disk',
    async run(store) {
      await store.commit()
      return done('OK (all writes flushed to disk)')
    },
  },
  {
    names: ['CLEAR', 'CLS'],
    usage: '',
    help: 'clear the screen',
    run: () => ({ lines: [], tone: 'plain', next: 'clear' }),
  },
  {
    names: ['HELP', '?'],
    usage: '',
    help: 'show this',
    run: () => ({ lines: HELP, tone: 'plain' }),
  },
  {
    names: ['EXIT', 'QUIT', 'Q'],
    usage: '',
    help: 'leave; everything is on disk',
    run: () => ({ lines: [], tone: 'plain', next: 'exit' }),
  },
]

const HELP: readonly string[] = [
  'Commands, in any case:',
  ...COMMANDS.map(
    ({ names, usage, help }) => `  ${`${names.join(', ')} ${usage}`.padEnd(24)}${help}`,
  ),
  '',
  'A key with spaces, or bytes that cannot be typed, stands in double quotes:',
  '  SET "two words" a value      GET "\\x00\\xff"      SET key "ends with a space "',
]

/** Every name of every command. */
export const COMMAND_NAMES: readonly string[] = COMMANDS.flatMap(({ names }) => names)

/** Commands whose first argument is a key. */
export const KEY_COMMANDS: readonly string[] = [
  'SET',
  'GET',
  'DELETE',
  'DEL',
  'HAS',
  'EXISTS',
  'KEYS',
]

/**
 * Does what a line says; `undefined` for an empty one.
 * @throws `LineError` for a line that cannot be obeyed; what the store throws
 */
export async function obey(store: Store, line: string, show: Show): Promise<Answer | undefined> {
  const { command: typed, rest } = parseLine(line)
  if (typed === '') return undefined
  const name = typed.toUpperCase()
  const command = COMMANDS.find(({ names }) => names.includes(name))
  if (command === undefined) throw new LineError(`Unknown command: ${typed}`)
  if (command.usage === '' && rest !== '') throw new LineError(`Usage: ${name}`)
  return await command.run(store, rest, show)
}

function keyOf(name: string, rest: string): Buffer {
  if (rest === '') throw new LineError(`Usage: ${name} <key>`)
  return onlyWord(rest)
}

function* numbered(keys: readonly Uint8Array[], show: Show): Generator<string> {
  yield `Keys (${keys.length} total):`
  for (const [at, key] of keys.entries()) yield `  ${at + 1}. ${show(key)}`
}
