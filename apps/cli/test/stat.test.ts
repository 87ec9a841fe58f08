import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, start, walrus } from './walrus.ts'

async function factsOf(dir: string): Promise<unknown> {
  const { stdout } = await walrus(['stat', '--dir', dir, '--json'])
  return JSON.parse(stdout.toString())
}

describe('walrus stat', () => {
  test('tells what a closed log holds', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir], { input: 'one\ntwo\n' })
    expect(await factsOf(dir)).toEqual({
      dir,
      entries: 2,
      firstIndex: 1,
      lastIndex: 2,
      streams: 0,
      segments: 1,
      bytes: expect.any(Number),
      marks: { sequenced: 3, written: 3, durable: 3 },
      writer: null,
      recoveryNeeded: false,
      torn: null,
    })
    const { stdout, code } = await walrus(['stat', '--dir', dir])
    expect(code).toBe(0)
    expect(stdout.toString()).toMatch(
      /^directory {6}\S+\nentries {8}2, 1 to 2\nnamed streams {2}0\nsegments {7}1\non disk {8}[\d.]+ k?B\ndurable {8}before LSN 3\nwriter {9}none\nrecovery {7}not needed\n$/,
    )
  })

  test('tells that an empty log is empty', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir])
    expect(await factsOf(dir)).toMatchObject({ entries: 0, firstIndex: 0, lastIndex: 0 })
  })

  test('names the writer, and after it was killed that recovery is needed', async () => {
    const dir = freshDirectory()
    const writer = start(['append', '--dir', dir, '--ack'])
    writer.child.stdin.write('one\n')
    await expect.poll(() => writer.stdout, PATIENT).toBe('1\n')
    expect(await factsOf(dir)).toMatchObject({
      entries: 1,
      writer: { pid: writer.child.pid, host: hostname() },
      recoveryNeeded: false,
    })
    writer.child.kill('SIGKILL')
    await writer.ended
    expect(await factsOf(dir)).toMatchObject({ entries: 1, writer: null, recoveryNeeded: true })
    const { stdout } = await walrus(['stat', '--dir', dir])
    expect(stdout.toString()).toContain('needed: the last writer did not close the log')
  })

  test('gives metrics to Prometheus, whatever the directory is called', async () => {
    const dir = join(freshDirectory(), 'a "b"\\c\nd')
    await walrus(['append', '--dir', dir], { input: 'one\ntwo\n' })
    const { stdout, code } = await walrus(['stat', '--dir', dir, '--prometheus'])
    expect(code).toBe(0)
    const text = stdout.toString()
    const label = `dir="${dir.replace('\\', '\\\\').replaceAll('"', '\\"').replace('\n', '\\n')}"`
    expect(text).toContain(`# TYPE walrus_entries gauge\nwalrus_entries{${label}} 2\n`)
    expect(text).toContain(`walrus_lsn{${label},mark="durable"} 3\n`)
    expect(text).toContain(`walrus_writer_up{${label}} 0\n`)
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) walrus_\w+ .+|walrus_\w+\{.+\} \d+)$/)
    }
  })

  test('prints one format at a time', async () => {
    const { code, stderr } = await walrus(['stat', '--json', '--prometheus'])
    expect(code).toBe(2)
    expect(stderr.toString()).toContain("cannot be used with option '--json'")
  })
})
