/** `walrus kv`: one-off use of the store. */
import { describe, expect, it } from 'vitest'
import { freshDirectory, PATIENT, shell, start, walrus } from './walrus.ts'

const text = (bytes: Buffer): string => bytes.toString()

async function filled(): Promise<string> {
  const dir = freshDirectory()
  for (const [key, value] of [
    ['a', '1'],
    ['ab', 'two words'],
    ['b', ''],
    ['ü', 'ü\n'],
  ] as const) {
    expect((await walrus(['kv', 'set', key, value, '--dir', dir])).code).toBe(0)
  }
  return dir
}

describe('walrus kv', () => {
  it('sets, gets, tells, counts and deletes keys, one command at a time', async () => {
    const dir = await filled()
    const kv = async (...args: string[]): Promise<[number | null, string]> => {
      const { code, stdout } = await walrus(['kv', ...args, '--dir', dir])
      return [code, text(stdout)]
    }
    expect(await kv('get', 'ab')).toEqual([0, 'two words\n'])
    expect(await kv('get', 'ü', '--raw')).toEqual([0, 'ü\n'])
    expect(await kv('has', 'b')).toEqual([0, 'true\n'])
    expect(await kv('has', 'c')).toEqual([1, 'false\n'])
    expect(await kv('len')).toEqual([0, '4\n'])
    expect(await kv('keys')).toEqual([0, 'a\nab\nb\nü\n'])
    expect(await kv('keys', '--reverse', '--limit', '2', '--delimiter', ',')).toEqual([0, 'ü,b,'])
    expect(await kv('scan', '--prefix', 'a')).toEqual([0, 'a\t1\nab\ttwo words\n'])
    expect(await kv('scan', '--gte', 'ab', '--lt', 'b', '--json')).toEqual([
      0,
      '{"key":"ab","value":"two words"}\n',
    ])
    expect(await kv('delete', 'a', 'b', 'c')).toEqual([0, ''])
    expect(await kv('delete', 'a')).toEqual([1, ''])
    expect(await kv('keys')).toEqual([0, 'ab\nü\n'])
    expect(await kv('len', '--stream', 'other')).toEqual([0, '0\n'])
    const { code, stderr } = await walrus(['kv', 'get', 'no\nkey', '--dir', dir])
    expect([code, stderr]).toEqual([
      1,
      'walrus: there is no key "no\\nkey" (WALRUS_KEY_NOT_FOUND)\n',
    ])
  })

  it('takes a value of any bytes from standard input, and gives it back', async () => {
    const dir = freshDirectory()
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 256))
    await walrus(['kv', 'set', 'photo', '--dir', dir], { input })
    const { stdout } = await walrus(['kv', 'get', 'photo', '--raw', '--dir', dir])
    expect(stdout.equals(input)).toBe(true)
    const json = await walrus(['kv', 'scan', '--json', '--dir', dir])
    expect(JSON.parse(text(json.stdout))).toEqual({
      key: 'photo',
      valueBase64: input.toString('base64'),
    })
    await walrus(['kv', 'set', 'short', 'x', '--ttl', '1ms', '--dir', dir])
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(text((await walrus(['kv', 'keys', '--dir', dir])).stdout)).toBe('photo\n')
  })

  it('escapes what a terminal would obey', async () => {
    const dir = freshDirectory()
    await walrus(['kv', 'set', 'k\x1b[2J', '--dir', dir], { input: '\x1b]0;title\x07' })
    const scan = await walrus(['kv', 'scan', '--dir', dir], { terminals: ['stdout'] })
    expect(text(scan.stdout)).toBe('k\\x1b[2J\t\\x1b]0;title\\x07\n')
  })

  it('watches from a position on while another process writes', async () => {
    const dir = await filled()
    const watching = start(['kv', 'watch', '--prefix', 'a', '--from', '1', '--dir', dir])
    await walrus(['kv', 'set', 'abc', 'new', '--dir', dir])
    await walrus(['kv', 'delete', 'a', 'b', '--dir', dir])
    const expected = [
      { position: 1, type: 'set', key: 'ab', value: 'two words' },
      { position: 4, type: 'set', key: 'abc', value: 'new' },
      { position: 5, type: 'delete', key: 'a' },
    ]
    const lines = (): unknown[] =>
      watching.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    await expect.poll(lines, PATIENT).toEqual(expected)
    watching.child.kill('SIGTERM')
    await watching.ended
  })

  it('stops when nobody reads any more', async () => {
    const dir = await filled()
    const { code, stdout } = await shell('walrus kv keys --dir "$1" | head -n 1', dir)
    expect([code, text(stdout)]).toEqual([0, 'a\n'])
  })

  it.each([
    [['kv', 'get']],
    [['kv', 'bogus']],
    [['kv', 'get', 'a', 'b']],
    [['kv', 'keys', '--limit', '-1']],
    [['kv', 'set', 'a', 'b', '--ttl', 'soon']],
    [['kv', 'watch', '--key', 'a', '--prefix', 'a']],
  ])('refuses %j with 2', async (args) => {
    const { code, stderr } = await walrus([...args, '--dir', freshDirectory()])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^walrus: .* \(WALRUS_USAGE\)\n/)
  })

  it('shows its commands when none is given', async () => {
    const { code, stdout } = await walrus(['kv'])
    expect(code).toBe(0)
    expect(text(stdout)).toContain('write changes as they come')
  })
})
