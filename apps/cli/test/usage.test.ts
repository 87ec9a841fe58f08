import { describe, expect, test } from 'vitest'
import { freshDirectory, walrus } from './walrus.ts'

describe('a wrong command line exits with 2 and says what is meant', () => {
  test.each([
    [['raed'], "unknown command 'raed'", 'Did you mean read?'],
    [['raed', '--dir', 'x'], "unknown command 'raed'", 'Did you mean read?'],
    [['help', 'verfy'], "unknown command 'verfy'", 'Did you mean verify?'],
    [['read', '--form', '3'], "unknown option '--form'", 'Did you mean --from?'],
    [['append', '--ak'], "unknown option '--ak'", 'Did you mean --ack?'],
    [['--bogus'], "unknown option '--bogus'", 'walrus --help lists the commands.'],
    [
      ['read', 'a-topic', 'some-file'],
      'too many arguments',
      'walrus read --help lists its options.',
    ],
    [['read', '--from'], "option '--from <index>' argument missing", 'walrus read --help'],
    [['read', '--from', 'x'], "argument 'x' is invalid. Use a whole number from 0", ''],
    [['read', '--from', '5', '--to', '4'], '--from 5 is after --to 4', ''],
    [['read', '--json', '--raw'], "'--raw' cannot be used with option '--json'", ''],
    [['read', '--json', '--delimiter', 'x'], "cannot be used with option '--json'", ''],
    [['append', '--whole', '--delimiter', 'x'], "cannot be used with option '--whole'", ''],
    [['append', '--delimiter', '\\q'], 'Known escapes are', ''],
    [
      ['append', '--durability', 'sometimes'],
      'Use commit, none, or milliseconds such as 10ms.',
      '',
    ],
    [['append', '--durability', '99999999ms'], '60000', ''],
    [['stat', '--dir', ''], 'must not be empty', ''],
    [['truncate', '--yes'], 'say what to keep', ''],
    [['truncate', '--keep-to', '1', '--from', '1'], "cannot be used with option '--from", ''],
    [['truncate', '--from', '-1'], 'Use a whole number from 0', ''],
    [['retain', '--max-segments', '0'], 'Use a whole number from 1', ''],
    [['retain', '--max-age', 'old'], 'Use a time such as', ''],
    [['stat', '--dir', '\u001b[2J', '--jsn'], "unknown option '--jsn'", 'Did you mean --json?'],
  ])('%j', async (args, message, hint) => {
    const ended = await walrus(args, { cwd: freshDirectory().replace(/log$/, ''), input: 'a\n' })
    expect(ended.code).toBe(2)
    expect(ended.stdout.toString()).toBe('')
    expect(ended.stderr).toMatch(/^walrus: .* \(WALRUS_(USAGE|INVALID_OPTION)\)\n/)
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toContain(hint)
  })
})

describe('help', () => {
  test('is what walrus says without arguments, with --help and with help', async () => {
    const texts = await Promise.all([[], ['--help'], ['help']].map((args) => walrus(args)))
    expect(texts.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(texts.map(({ stderr }) => stderr)).toEqual(['', '', ''])
    const [text, ...others] = texts.map(({ stdout }) => stdout.toString())
    expect(others).toEqual([text, text])
    expect(text).toMatchInlineSnapshot(`
      "Usage: walrus <command> [options]

      The durable log for Node.js: a pipe that keeps what it acknowledged.

      Options:
        --version   show the version
        -h, --help  show this help

      Commands:
        append      append standard input, one entry a line
        read        write entries to standard output
        verify      check every byte of the log
        repair      leave out what is damaged
        dump        show what lies in the files
        stat        show size, indexes, marks and the writer
        truncate    give up the end or the front of the log
        retain      remove the oldest segments
        topics      list topics, with what is unread
        cursor      show, create, move and delete cursors
        reclaim     give up what every cursor has read
        kv          look up and change keys
        shell       set and look up keys, one command after another
        import      bring in the data of an earlier system
        export      write the log back as an earlier system would
        help        show the help of a command

      Examples:
        walrus append < access.log
        walrus read --from 1000 | head
        walrus read --follow --json
        walrus kv set name jerk
        walrus                          (on a terminal: the shell)

      Environment:
        WALRUS_DATA_DIR      directory of the log where --dir is not given
        WALRUS_INSTANCE_KEY  an instance: a folder of its own in that directory
        WALRUS_DEBUG         print stack traces with errors
        NO_COLOR             no colour

      Exit codes:
        0 done, 1 failed, 2 wrong command line, 3 corruption found,
        130 or 143 interrupted
      "
    `)
  })

  test.each([
    'append',
    'read',
    'verify',
    'repair',
    'dump',
    'stat',
    'truncate',
    'retain',
    'import',
    'export',
    'topics',
    'reclaim',
  ])('of %s has its options and examples', async (command) => {
    const asOption = await walrus([command, '--help'])
    const asCommand = await walrus(['help', command])
    expect(asOption).toEqual(asCommand)
    expect(asOption).toMatchObject({ code: 0, stderr: '' })
    expect(asOption.stdout.toString()).toMatch(
      new RegExp(
        `^Usage: walrus ${command} \\[options\\].*\n[^]*--dir <path>[^]*Examples:\n  walrus ${command}`,
      ),
    )
  })

  test('has no colour unless it is on a terminal that may have it', async () => {
    const plain = await walrus(['--help'], { env: { NO_COLOR: undefined } })
    expect(plain.stdout.toString()).not.toContain('\u001b')
  })
})

test('--version prints the version of the package', async () => {
  const ended = await walrus(['--version'])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('errors', () => {
  test('have a stack trace only where WALRUS_DEBUG is set', async () => {
    const dir = freshDirectory()
    const plain = await walrus(['read', '--dir', dir])
    expect(plain.stderr).not.toMatch(/^ +at /m)
    const debug = await walrus(['read', '--dir', dir], { env: { WALRUS_DEBUG: '1' } })
    expect(debug.stderr).toMatch(/^ +at /m)
    expect(debug.code).toBe(1)
  })

  test('cannot control the terminal by the names they mention', async () => {
    const ended = await walrus([
      'read',
      '--dir',
      `${freshDirectory()}\u001b[2J\nwalrus: all is well`,
    ])
    expect(ended.stderr).not.toContain('\u001b')
    expect(ended.stderr).toContain('\\x1b[2J\\nwalrus: all is well')
    expect(ended.code).toBe(1)
  })
})
