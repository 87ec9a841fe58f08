import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, shell, start, walrus } from './walrus.ts'

async function logOf(input: string | Uint8Array, ...options: string[]): Promise<string> {
  const dir = freshDirectory()
  const { code } = await walrus(['append', '--dir', dir, ...options], { input })
  expect(code).toBe(0)
  return dir
}

describe('walrus read', () => {
  test('reads a range, both ends included, as far as there are entries', async () => {
    const dir = await logOf('a\nb\nc\nd\n')
    const read = async (...range: string[]): Promise<string> =>
      (await walrus(['read', '--dir', dir, ...range])).stdout.toString()
    expect(await read('--from', '2', '--to', '3')).toBe('b\nc\n')
    expect(await read('--from', '4')).toBe('d\n')
    expect(await read('--to', '1')).toBe('a\n')
    expect(await read('--from', '3', '--to', '99')).toBe('c\nd\n')
    expect(await read('--from', '5')).toBe('')
  })

  test('--raw writes nothing between entries, --delimiter what it is given', async () => {
    const dir = await logOf('a\nb\n')
    expect((await walrus(['read', '--dir', dir, '--raw'])).stdout.toString()).toBe('ab')
    expect((await walrus(['read', '--dir', dir, '--delimiter', '\\0'])).stdout.toString()).toBe(
      'a\0b\0',
    )
  })

  test('--json gives text as a string, other bytes as base64, with index and time', async () => {
    const before = Date.now()
    const dir = await logOf(Buffer.from('"Grüße"\t\u001b\u009b\u2028\n\xff\n\n', 'utf8'))
    await walrus(['append', '--dir', dir], { input: Buffer.from([0x61, 0xff]) })
    const { stdout } = await walrus(['read', '--dir', dir, '--json'])
    const entries = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(entries).toEqual([
      { index: 1, time: expect.any(Number), data: '"Grüße"\t\u001b\u009b\u2028' },
      { index: 2, time: expect.any(Number), data: 'ÿ' },
      { index: 3, time: expect.any(Number), data: '' },
      { index: 4, time: expect.any(Number), dataBase64: 'Yf8=' },
    ])
    expect(entries[0].time).toBeGreaterThanOrEqual(before)
    expect(entries[3].time).toBeLessThanOrEqual(Date.now())
  })

  test('into a file and into a pipe the bytes are exact', async () => {
    const input = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) % 251))
    const dir = await logOf(input, '--whole')
    expect((await walrus(['read', '--dir', dir, '--raw'])).stdout.equals(input)).toBe(true)
    const file = join(dirname(dir), 'out')
    await shell('walrus read --raw --dir "$1" > "$2"', dir, file)
    expect(readFileSync(file).equals(input)).toBe(true)
  })

  test('works beside a writer, and changes no file', async () => {
    const dir = freshDirectory()
    const writer = start(['append', '--dir', dir, '--ack'])
    writer.child.stdin.write('one\n')
    await expect.poll(() => writer.stdout, PATIENT).toBe('1\n')
    const before = readdirSync(dir)
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\n')
    expect(readdirSync(dir)).toEqual(before)
    writer.child.stdin.end('two\n')
    expect(await writer.ended).toMatchObject({ code: 0 })
  })
})

describe('a reader that closes the pipe', () => {
  test.each([[], ['--json']])('ends the command without an error %s', async (...options) => {
    const dir = await logOf('some line of text\n'.repeat(100_000))
    const running = start(['read', '--dir', dir, ...options], { input: '' })
    await once(running.child.stdout, 'data')
    running.child.stdout.destroy()
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('is no error for help either', async () => {
    const ended = await shell('walrus --help | true; walrus help read 2>&1 >&- | cat')
    expect(ended.stdout.toString() + ended.stderr).toBe('')
  })

  test.runIf(existsSync('/dev/full'))('is not the same as a full disk, which is one', async () => {
    const dir = await logOf('a\n')
    const ended = await shell('walrus read --dir "$1" > /dev/full', dir)
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(
      /^walrus: cannot write to standard output: ENOSPC.* \(WALRUS_IO\)\n$/,
    )
  })
})

describe('walrus read --follow', () => {
  test('prints entries of another process as they come, up to --to', async () => {
    const dir = await logOf('one\n')
    const reader = start(['read', '--dir', dir, '--follow', '--to', '4'], { input: '' })
    await expect.poll(() => reader.stdout, PATIENT).toBe('one\n')
    const writer = start(['append', '--dir', dir])
    writer.child.stdin.write('two\nthree\n')
    await expect.poll(() => reader.stdout, PATIENT).toBe('one\ntwo\nthree\n')
    writer.child.stdin.end('four\nfive\n')
    await writer.ended
    expect(await reader.ended).toMatchObject({
      code: 0,
      stdout: Buffer.from('one\ntwo\nthree\nfour\n'),
    })
  })

  test('waits as long as it takes, without a word', async () => {
    const dir = await logOf('one\n')
    const reader = start(['read', '--dir', dir, '--follow', '--to', '2'], { input: '' })
    await expect.poll(() => reader.stdout, PATIENT).toBe('one\n')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await walrus(['append', '--dir', dir], { input: 'two\n' })
    expect(await reader.ended).toEqual({ code: 0, stdout: Buffer.from('one\ntwo\n'), stderr: '' })
  })

  test('ends when its reader has gone', async () => {
    const dir = await logOf('one\n')
    const reader = start(['read', '--dir', dir, '--follow'], { input: '' })
    await expect.poll(() => reader.stdout, PATIENT).toBe('one\n')
    reader.child.stdout.destroy()
    await walrus(['append', '--dir', dir], { input: 'two\n' })
    expect(await reader.ended).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('on a terminal', () => {
  test('what is stored cannot control it', async () => {
    const dir = await logOf('\u001b]0;owned\u0007\ttab\n')
    const settings = { terminals: ['stdout'] as const }
    expect((await walrus(['read', '--dir', dir], settings)).stdout.toString()).toBe(
      '\\x1b]0;owned\\x07\ttab\n',
    )
    expect((await walrus(['read', '--dir', dir, '--raw'], settings)).stdout.toString()).toBe(
      '\\x1b]0;owned\\x07\ttab',
    )
    const json = await walrus(['read', '--dir', dir, '--json'], settings)
    expect(json.stdout.toString()).toContain('\\u001b]0;owned\\u0007\\ttab')
  })
})

describe('a directory without a log', () => {
  test.each(['read', 'verify', 'dump', 'stat'])(
    '%s: one that does not exist is an error and is not made',
    async (command) => {
      const dir = freshDirectory()
      const ended = await walrus([command, '--dir', dir])
      expect(ended.code).toBe(1)
      expect(ended.stdout.toString()).toBe('')
      expect(ended.stderr).toMatch(/^walrus: .*log.* \(WALRUS_NOT_FOUND\)\n/)
      expect(existsSync(dir)).toBe(false)
    },
  )

  test.each(['read', 'verify', 'dump', 'stat'])('%s: a file is an error', async (command) => {
    const dir = freshDirectory()
    writeFileSync(dir, 'precious')
    const ended = await walrus([command, '--dir', dir])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^walrus: .*log.* \(WALRUS_NOT_A_DIRECTORY\)\n/)
  })
})
