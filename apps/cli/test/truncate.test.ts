import { existsSync } from 'node:fs'
import { Log } from '@walrus/log'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, start, walrus } from './walrus.ts'

/** A log with five entries and a stream with two. */
async function filled(): Promise<string> {
  const dir = freshDirectory()
  const log = await Log.open(dir)
  await log.appendBatch(['one', 'two', 'three', 'four', 'five'])
  await log.stream('s').appendBatch(['zero', 'one'])
  await log.close()
  return dir
}

async function entriesOf(dir: string): Promise<string> {
  return (await walrus(['read', '--dir', dir])).stdout.toString()
}

describe('walrus truncate', () => {
  test('keeps the entries up to one, and the next gets the index after it', async () => {
    const dir = await filled()
    const { stdout, code } = await walrus(['truncate', '--dir', dir, '--keep-to', '3', '--yes'])
    expect([code, stdout.toString()]).toEqual([0, 'dropped 2 entries, 4 to 5; 1 to 3 are left\n'])
    const { stdout: index } = await walrus(['append', '--dir', dir, '--ack'], { input: 'new\n' })
    expect(index.toString()).toBe('4\n')
    expect(await entriesOf(dir)).toBe('one\ntwo\nthree\nnew\n')
  })

  test('keeps the entries from one on', async () => {
    const dir = await filled()
    const { stdout } = await walrus(['truncate', '--dir', dir, '--from', '6', '--yes', '--json'])
    expect(JSON.parse(stdout.toString())).toEqual({
      done: true,
      stream: '',
      dropped: { first: 1, next: 6, entries: 5 },
      left: { first: 6, next: 6 },
    })
    expect(await entriesOf(dir)).toBe('')
    const { stdout: index } = await walrus(['append', '--dir', dir, '--ack'], { input: 'new\n' })
    expect(index.toString()).toBe('6\n')
  })

  test('only says what would go without --yes', async () => {
    const dir = await filled()
    const { stdout, code } = await walrus(['truncate', '--dir', dir, '--keep-to', '0'])
    expect(code).toBe(2)
    expect(stdout.toString()).toBe(
      'would drop 5 entries, 1 to 5; none is left, 1 comes next. Add --yes to do it\n',
    )
    expect(await entriesOf(dir)).toBe('one\ntwo\nthree\nfour\nfive\n')
  })

  test('has nothing to drop at the borders', async () => {
    const dir = await filled()
    for (const border of [
      ['--keep-to', '5'],
      ['--from', '1'],
    ]) {
      const { stdout, code } = await walrus(['truncate', '--dir', dir, ...border, '--yes'])
      expect([code, stdout.toString()]).toEqual([0, 'nothing to drop\n'])
    }
  })

  test('of a named stream leaves the plain log alone, and knows its name', async () => {
    const dir = await filled()
    const { stdout } = await walrus([
      ...['truncate', '--dir', dir, '--stream', 's'],
      ...['--keep-to', '0', '--yes'],
    ])
    expect(stdout.toString()).toBe('dropped 1 entry of stream s, 1 to 1; 0 to 0 are left\n')
    expect(await entriesOf(dir)).toBe('one\ntwo\nthree\nfour\nfive\n')
    const unknown = await walrus([
      ...['truncate', '--dir', dir, '--stream', 'S'],
      ...['--keep-to', '0', '--yes'],
    ])
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('no stream "S"')])
  })

  test('refuses what is beyond the end, a log that is being written, and none', async () => {
    const dir = await filled()
    const beyond = await walrus(['truncate', '--dir', dir, '--from', '7', '--yes'])
    expect([beyond.code, beyond.stderr]).toEqual([2, expect.stringContaining('next index, 6')])
    const writer = start(['append', '--dir', dir, '--ack'])
    writer.child.stdin.write('six\n')
    await expect.poll(() => writer.stdout, PATIENT).toBe('6\n')
    const locked = await walrus(['truncate', '--dir', dir, '--keep-to', '1', '--yes'])
    expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('WALRUS_LOCKED')])
    const none = freshDirectory()
    const missing = await walrus(['truncate', '--dir', none, '--keep-to', '1', '--yes'])
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('WALRUS_NOT_FOUND')])
    expect(existsSync(none)).toBe(false)
  })
})
