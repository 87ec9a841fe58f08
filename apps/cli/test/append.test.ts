import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, shell, start, walrus } from './walrus.ts'

describe('walrus append', () => {
  test('appends each line as it is: empty ones, CRLF, bytes that are no text, a last one without a newline', async () => {
    const dir = freshDirectory()
    const input = Buffer.from('first\n\nwith CR\r\n\xff\xfe\x00\nlast', 'latin1')
    const appended = await walrus(['append', '--dir', dir], { input })
    expect(appended).toEqual({ code: 0, stdout: Buffer.alloc(0), stderr: '' })
    const read = await walrus(['read', '--dir', dir])
    expect(read.stdout).toEqual(Buffer.concat([input, Buffer.from('\n')]))
    expect(
      (await walrus(['read', '--dir', dir, '--from', '2', '--to', '2'])).stdout.toString(),
    ).toBe('\n')
  })

  test('cuts at another delimiter, also one of several bytes', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir, '--delimiter', '\\0'], { input: 'a\nb\0c\0' })
    await walrus(['append', '--dir', dir, '--delimiter', '\\r\\n'], { input: 'd\ne\r\nf' })
    const read = await walrus(['read', '--dir', dir, '--delimiter', '|'])
    expect(read.stdout.toString()).toBe('a\nb|c|d\ne|f|')
  })

  test('--whole takes the input as one entry, also an empty one', async () => {
    const dir = freshDirectory()
    const input = Buffer.alloc(300_000, 'any\n\0bytes\xff', 'latin1')
    const appended = await walrus(['append', '--dir', dir, '--whole', '--ack'], { input })
    expect(appended.stdout.toString()).toBe('1\n')
    expect((await walrus(['append', '--dir', dir, '--whole', '--ack'])).stdout.toString()).toBe(
      '2\n',
    )
    const first = await walrus(['read', '--dir', dir, '--to', '1', '--raw'])
    expect(first.stdout.equals(input)).toBe(true)
    const second = await walrus(['read', '--dir', dir, '--from', '2'])
    expect(second.stdout.toString()).toBe('\n')
  })

  test('an input without a line appends nothing and acknowledges nothing', async () => {
    const dir = freshDirectory()
    const appended = await walrus(['append', '--dir', dir, '--ack'])
    expect(appended).toEqual({ code: 0, stdout: Buffer.alloc(0), stderr: '' })
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('')
  })

  test.each(['commit', '10ms', 'none'])(
    'with durability %s a long input comes back the same',
    async (durability) => {
      const dir = freshDirectory()
      const input = Array.from({ length: 60_000 }, (_, i) => `${i} ${'x'.repeat(i % 150)}\n`).join(
        '',
      )
      const appended = await walrus(['append', '--dir', dir, '--durability', durability, '--ack'], {
        input,
      })
      expect(appended.code).toBe(0)
      const indexes = appended.stdout.toString().trimEnd().split('\n').map(Number)
      expect(indexes.at(-1)).toBe(60_000)
      expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b))
      const read = await walrus(['read', '--dir', dir])
      expect(read.stdout.equals(Buffer.from(input))).toBe(true)
    },
  )
})

describe('acknowledgements', () => {
  test('come at once for each line of a slow input, while it is still open', async () => {
    const running = start(['append', '--dir', freshDirectory(), '--ack'])
    running.child.stdin.write('one\n')
    await expect.poll(() => running.stdout, PATIENT).toBe('1\n')
    running.child.stdin.write('two\nthr')
    await expect.poll(() => running.stdout, PATIENT).toBe('1\n2\n')
    running.child.stdin.write('ee\nfour\n')
    await expect.poll(() => running.stdout, PATIENT).toBe('1\n2\n4\n')
    running.child.stdin.end()
    expect((await running.ended).code).toBe(0)
  })

  test('survive in the log when the process is killed right after', async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--ack'])
    running.child.stdin.write('one\ntwo\n')
    await expect.poll(() => running.stdout, PATIENT).toBe('2\n')
    running.child.kill('SIGKILL')
    await running.ended
    expect((await walrus(['verify', '--dir', dir])).code).toBe(0)
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\ntwo\n')
  })

  test('that nobody reads any more do not stop the appending', async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--ack'])
    running.child.stdout.destroy()
    for (let i = 0; i < 50; i++) {
      running.child.stdin.write(`${i}\n`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    running.child.stdin.end()
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
    expect((await walrus(['read', '--dir', dir, '--from', '50'])).stdout.toString()).toBe('49\n')
  })
})

describe('an interruption', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'by %s finishes and acknowledges what was read, and exits with %i',
    async (signal, code) => {
      const dir = freshDirectory()
      const running = start(['append', '--dir', dir, '--ack'])
      running.child.stdin.write('one\ntwo\nhalf a li')
      await expect.poll(() => running.stdout, PATIENT).toBe('2\n')
      running.child.kill(signal)
      const ended = await running.ended
      expect(ended).toMatchObject({
        code,
        stderr: `walrus: ${signal}: the unfinished last entry was not appended (9 bytes)\n`,
      })
      expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\ntwo\n')
    },
  )

  test('of --whole appends nothing', async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--whole'])
    running.child.stdin.write('half')
    await expect.poll(() => existsSync(dir), PATIENT).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 300))
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(130)
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('')
  })

  test('in the middle of a fast input leaves a whole beginning of it, all acknowledged', async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--ack'])
    const producer = spawn(process.execPath, [
      '-e',
      'let i = 0; const go = () => { let ok = true; while (ok) ok = process.stdout.write(`${++i}\\n`.repeat(1)); process.stdout.once("drain", go) }; process.stdout.on("error", () => process.exit()); go()',
    ])
    producer.stdout.on('error', () => {})
    producer.stdout.pipe(running.child.stdin)
    await expect.poll(() => running.stdout.length, PATIENT).toBeGreaterThan(0)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(143)
    producer.kill()
    await once(producer, 'close')
    const lines = (await walrus(['read', '--dir', dir])).stdout.toString().trimEnd().split('\n')
    const last = Number(running.stdout.trimEnd().split('\n').at(-1))
    expect(lines.length).toBe(last)
    expect(lines.every((line, i) => line === String(i + 1))).toBe(true)
  })
})

describe('what append refuses', () => {
  test('a directory that is a file', async () => {
    const dir = freshDirectory()
    writeFileSync(dir, 'precious')
    const ended = await walrus(['append', '--dir', dir], { input: 'a\n' })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^walrus: .*log.* \(WALRUS_NOT_A_DIRECTORY\)\n/)
  })

  test('a log that another process is writing, which it names', async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--ack'])
    running.child.stdin.write('one\n')
    await expect.poll(() => running.stdout, PATIENT).toBe('1\n')
    const ended = await walrus(['append', '--dir', dir], { input: 'a\n' })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(
      new RegExp(`^walrus: .*${running.child.pid}.* \\(WALRUS_LOCKED\\)\n`),
    )
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\n')
  })

  test('a line that is longer than an entry may be, by its place; those before it are kept', {
    timeout: 60_000,
  }, async () => {
    const dir = freshDirectory()
    const running = start(['append', '--dir', dir, '--ack'])
    running.child.stdin.write('one\ntwo\n')
    const piece = Buffer.alloc(1 << 20, 'x')
    for (let i = 0; i <= 1024 && running.child.exitCode === null; i++) {
      await new Promise<void>((resolve) => running.child.stdin.write(piece, () => resolve()))
    }
    const ended = await running.ended
    expect(ended.code).toBe(1)
    expect(ended.stdout.toString()).toBe('2\n')
    expect(ended.stderr).toMatch(
      /^walrus: line 3 of the input, which starts at byte 8, is longer than .* \(WALRUS_ENTRY_TOO_LARGE\)\n {2}Before that: 2 entries were appended, the last with index 2\.\n$/,
    )
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\ntwo\n')
  })

  test('an input that cannot be read', async () => {
    const dir = freshDirectory()
    const ended = await shell('walrus append --dir "$1" < "$2"', dir, dirname(dir))
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^walrus: .* \(EISDIR\)\n/)
  })
})

describe('where it appends', () => {
  test('WALRUS_DATA_DIR, else ./walrus-data; --dir wins over both', async () => {
    const dir = freshDirectory()
    const cwd = dirname(dir)
    await walrus(['append'], { input: 'default\n', cwd })
    await walrus(['append'], { input: 'variable\n', cwd, env: { WALRUS_DATA_DIR: 'elsewhere' } })
    await walrus(['append', '--dir', 'log'], {
      input: 'option\n',
      cwd,
      env: { WALRUS_DATA_DIR: 'elsewhere' },
    })
    const contents = await Promise.all(
      ['walrus-data', 'elsewhere', 'log'].map((name) => walrus(['read', '--dir', name], { cwd })),
    )
    expect(contents.map(({ stdout }) => stdout.toString())).toEqual([
      'default\n',
      'variable\n',
      'option\n',
    ])
  })
})

describe('on a terminal', () => {
  test('a summary is printed at the end, and nothing about it where standard error is none', async () => {
    const ended = await walrus(['append', '--dir', freshDirectory()], {
      input: 'a\nbc\n',
      terminals: ['stderr'],
    })
    expect(ended.stderr).toMatch(
      /^2 entries were appended, the last with index 2 \(3 B in \d+\.\d s\)\n$/,
    )
  })

  test('long work says how far it is', async () => {
    const running = start(['append', '--dir', freshDirectory()], { terminals: ['stderr'] })
    running.child.stdin.write('a\n')
    await expect.poll(() => running.stderr, PATIENT).toContain('appending 2 B')
    running.child.stdin.end()
    expect((await running.ended).stderr).toContain(
      '\r\u001b[K1 entry was appended, the last with index 1 (1 B in ',
    )
  })
})
