/** The shell, driven by a script, and by a person at a pseudo-terminal. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { firstWord, quote, valueOf } from '../src/shell/words.ts'
import { freshDirectory, PATIENT, walrus } from './walrus.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

describe('a script', () => {
  const script = async (
    lines: readonly string[],
    dir = freshDirectory(),
  ): Promise<[number | null, string[], string]> => {
    const input = lines.map((line) => `${line}\n`).join('')
    const { code, stdout, stderr } = await walrus(['shell', '--dir', dir], { input })
    return [code, stdout.toString().split('\n').slice(0, -1), stderr]
  }

  it('gets every answer of the shell', async () => {
    const dir = freshDirectory()
    const [code, lines] = await script(
      [
        'SET name jerk',
        'get name',
        'GET x',
        'HAS name',
        'exists x',
        'Keys',
        'LEN',
        'COUNT',
        'DELETE x',
        'DEL name',
        'KEYS',
        'COMMIT',
        '',
        '   ',
        'CLS',
        'QUIT',
        'bogus, but nobody reads it',
      ],
      dir,
    )
    expect(lines).toEqual([
      "OK (set 'name' = 'jerk')",
      'jerk',
      "Key 'x' not found",
      "Key 'name' exists",
      "Key 'x' does not exist",
      'Keys (1 total):',
      '  1. name',
      'Total keys: 1',
      'Total keys: 1',
      "Key 'x' does not exist",
      "OK (deleted 'name')",
      'No keys stored',
      'OK (all writes flushed to disk)',
    ])
    expect(code).toBe(0)
  })

  it('takes the rest of the line as the value, quotes meaning something only where it begins with one', async () => {
    const dir = freshDirectory()
    const [code, lines] = await script(
      [
        '  set   a   two  words "and quotes"   ',
        'set b "ends with a space "',
        'set "c d" "\\x00\\xff\\n"',
        'get a',
        'get b',
        'has "c d"',
        'keys "c "',
      ],
      dir,
    )
    expect(lines.slice(3)).toEqual([
      'two  words "and quotes"',
      'ends with a space ',
      "Key 'c d' exists",
      'Keys (1 total):',
      '  1. c d',
    ])
    expect(code).toBe(0)
    const { stdout } = await walrus(['kv', 'get', 'c d', '--raw', '--dir', dir])
    expect([...stdout]).toEqual([0, 255, 10])
  })

  it.each([
    ['bogus', 'Unknown command: bogus'],
    ['set a', 'Usage: SET <key> <value>'],
    ['get', 'Usage: GET <key>'],
    ['get a b', 'there is something behind it: b'],
    ['get "a', 'the closing quote is missing'],
    ['get "a"b', 'a space is missing behind the closing quote'],
    ['get "\\q"', 'unknown escape \\q'],
    ['len 3', 'Usage: LEN'],
  ])('stops at a wrong line, %s, with 2, and keeps what came before', async (wrong, message) => {
    const dir = freshDirectory()
    const [code, lines, stderr] = await script(['set a 1', wrong, 'set b 2'], dir)
    expect([code, lines]).toEqual([2, ["OK (set 'a' = '1')"]])
    expect(stderr).toContain(`walrus: line 2: ${message}`)
    const { stdout } = await walrus(['kv', 'keys', '--dir', dir])
    expect(stdout.toString()).toBe('a\n')
  })
})

describe('words', () => {
  it('that are quoted read as the bytes they were made of', () => {
    for (const bytes of [[], [0], [255, 254], [34, 92], [32], [104, 105], [0xc3, 0xbc], [0xc3]]) {
      const word = quote(Uint8Array.from(bytes))
      expect([...firstWord(`${word} rest`).word], word).toEqual(bytes)
      expect(firstWord(`${word} rest`).rest).toBe('rest')
      expect([...valueOf(word)]).toEqual(bytes)
    }
  })
})

/** `walrus` on a pseudo-terminal of its own. */
class Terminal {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<number | null>
  #shown = ''

  constructor(dir: string, env: NodeJS.ProcessEnv = {}) {
    const command = `"${process.execPath}" "${MAIN}"`
    // `script` gives the command a terminal, and passes its exit code on.
    this.child = spawn(
      'script',
      ['--quiet', '--return', '--flush', '--command', command, '/dev/null'],
      {
        env: {
          ...process.env,
          TERM: 'xterm',
          // Where CI is set, Node takes no terminal for one with colours.
          CI: undefined,
          WALRUS_DATA_DIR: dir,
          WALRUS_HISTORY: join(dirname(dir), 'history'),
          ...env,
        },
      },
    )
    onTestFinished(() => void this.child.kill('SIGKILL'))
    this.child.stdout.on('data', (chunk: Buffer) => (this.#shown += chunk.toString()))
    this.ended = once(this.child, 'close').then(([code]) => code as number | null)
  }

  get shown(): string {
    return this.#shown
  }

  /** Types as a person does: what comes at once is taken for pasted, in which a tab is a tab. */
  async type(text: string): Promise<void> {
    for (const [key] of text.matchAll(/\p{Cc}\[.|./gsu)) {
      this.child.stdin.write(key)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Types, and waits until something is shown that was not before. */
  async answered(text: string, answer: string): Promise<void> {
    const from = this.#shown.length
    await this.type(text)
    await expect.poll(() => this.#shown.slice(from), PATIENT).toContain(answer)
  }
}

describe('a person at a terminal', () => {
  it('sees a banner, what was recovered, a prompt, colours, help, and Goodbye!', async () => {
    const dir = freshDirectory()
    const terminal = new Terminal(dir, { NO_COLOR: undefined, FORCE_COLOR: undefined })
    await terminal.answered('', 'walrus> ')
    expect(terminal.shown).toContain('HELP lists the commands')
    expect(terminal.shown).toContain('Recovered 0 key(s)')
    await terminal.answered('set name jerk\r', "\x1b[32mOK (set 'name' = 'jerk')")
    await terminal.answered('get nothing\r', "\x1b[33mKey 'nothing' not found")
    await terminal.answered('what\r', '\x1b[31mUnknown command: what')
    await terminal.answered('?\r', 'EXIT, QUIT, Q')
    await terminal.answered('set esc "\\x1b[2J"\r', "OK (set 'esc' = '\\x1b[2J')")
    await terminal.answered('clear\r', '\x1b[2J')
    await terminal.answered('exit\r', 'Goodbye!')
    expect(await terminal.ended).toBe(0)
    const again = new Terminal(dir)
    await again.answered('', 'Recovered 2 key(s)')
    await again.answered('\x04', 'Goodbye!')
    expect(await again.ended).toBe(0)
  })

  it('has no colour under NO_COLOR', async () => {
    const terminal = new Terminal(freshDirectory(), { NO_COLOR: '1', FORCE_COLOR: undefined })
    await terminal.answered('', 'walrus> ')
    await terminal.answered('set a 1\r', "OK (set 'a' = '1')")
    await terminal.answered('q\r', 'Goodbye!')
    // What moves the cursor is no colour.
    expect(terminal.shown).not.toMatch(/\[\d+m/u)
    await terminal.ended
  })

  it('completes commands and keys', async () => {
    const terminal = new Terminal(freshDirectory())
    await terminal.answered('', 'walrus> ')
    await terminal.answered('set customer:1001 ada\r', 'OK')
    await terminal.answered('set "with space" x\r', 'OK')
    await terminal.answered('ex\t\t', 'exists')
    await terminal.answered('\x15GE\t', 'GET ')
    await terminal.answered('cust\t\r', 'ada')
    await terminal.answered('get "w\t\r', 'x')
    await terminal.answered('exit\r', 'Goodbye!')
    expect(await terminal.ended).toBe(0)
  })

  it('finds earlier lines again, in a file for their eyes only', async () => {
    const dir = freshDirectory()
    const first = new Terminal(dir)
    await first.answered('', 'walrus> ')
    await first.answered('set a remembered\r', 'OK')
    await first.answered('exit\r', 'Goodbye!')
    await first.ended
    const history = join(dirname(dir), 'history')
    expect(readFileSync(history, 'utf8')).toBe('set a remembered\nexit\n')
    expect(statSync(history).mode & 0o777).toBe(0o600)
    const second = new Terminal(dir)
    await second.answered('', 'walrus> ')
    await second.answered('\x1b[A\x1b[A\r', "OK (set 'a' = 'remembered')")
    await second.answered('\x04', 'Goodbye!')
    await second.ended
  })

  it.each<[string, number, (terminal: Terminal) => Promise<void>]>([
    ['EXIT', 0, (terminal) => terminal.answered('EXIT\r', 'Goodbye!')],
    ['Ctrl-D', 0, (terminal) => terminal.answered('\x04', 'Goodbye!')],
    [
      'Ctrl-C twice',
      0,
      async (terminal) => {
        await terminal.answered('half a line\x03', 'Ctrl-C again leaves')
        await terminal.answered('\x03', 'Goodbye!')
      },
    ],
    [
      'SIGTERM',
      143,
      async (terminal) => {
        const pid = readFileSync(
          `/proc/${terminal.child.pid}/task/${terminal.child.pid}/children`,
          'utf8',
        )
        process.kill(Number(pid.trim().split(' ')[0]), 'SIGTERM')
        await terminal.answered('', 'Goodbye!')
      },
    ],
  ])('leaves by %s, and everything is committed', async (_, code, leave) => {
    const dir = freshDirectory()
    const terminal = new Terminal(dir)
    await terminal.answered('', 'walrus> ')
    await terminal.answered('set kept yes\r', 'OK')
    await leave(terminal)
    expect(await terminal.ended).toBe(code)
    expect(existsSync(dir)).toBe(true)
    const { stdout } = await walrus(['kv', 'get', 'kept', '--dir', dir])
    expect(stdout.toString()).toBe('yes\n')
  })
})
