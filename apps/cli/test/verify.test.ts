import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, start, walrus } from './walrus.ts'

/** A closed log of 30,000 lines in one segment, and the path of that. */
async function closedLog(): Promise<{ dir: string; segment: string }> {
  const dir = freshDirectory()
  const input = Array.from({ length: 30_000 }, (_, i) => `line ${i + 1}\n`).join('')
  await walrus(['append', '--dir', dir], { input })
  return { dir, segment: join(dir, '000000000001.seg') }
}

function flipByte(file: string, offset: number): void {
  const bytes = readFileSync(file)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset)
  writeFileSync(file, bytes)
}

describe('walrus verify', () => {
  test('finds a closed log whole', async () => {
    const { dir } = await closedLog()
    const ended = await walrus(['verify', '--dir', dir])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout.toString()).toMatch(
      /^segments {2}1\ngroups {4}\d+\nentries {3}30,000; indexes 1 to 30000\nchecked {3}[\d.]+ MB\nresult {4}ok\n$/,
    )
  })

  test('reports a write that never finished after a kill, which is no corruption', async () => {
    const dir = freshDirectory()
    const writer = start(['append', '--dir', dir, '--ack'])
    writer.child.stdin.write('one\n')
    await expect.poll(() => writer.stdout, PATIENT).toBe('1\n')
    writer.child.kill('SIGKILL')
    await writer.ended
    appendFileSync(join(dir, '000000000001.seg'), 'half a group')
    const ended = await walrus(['verify', '--dir', dir])
    expect(ended.code).toBe(0)
    expect(ended.stdout.toString()).toMatch(
      /\ntorn tail {2}\S+ at byte \d+: [\d,]+ bytes never written whole\n/,
    )
    expect(ended.stdout.toString()).toMatch(/\nresult +ok\n$/)
    expect((await walrus(['read', '--dir', dir])).stdout.toString()).toBe('one\n')
  })

  test('finds a flipped bit, names file and byte, and exits with 3', async () => {
    const { dir, segment } = await closedLog()
    flipByte(segment, 100_000)
    const ended = await walrus(['verify', '--dir', dir])
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(ended.stdout.toString()).toMatch(
      /\ndamaged +\S+000000000001\.seg at byte \d+, index \d+: .*\(WALRUS_CORRUPT\)\n/,
    )
    expect(ended.stdout.toString()).toMatch(/\nresult +1 damaged place\n$/)
    const json = JSON.parse((await walrus(['verify', '--dir', dir, '--json'])).stdout.toString())
    expect(json).toMatchObject({
      ok: false,
      damage: [{ code: 'WALRUS_CORRUPT', file: segment, offset: expect.any(Number) }],
    })
  })

  test('finds a missing segment, and exits with 3', async () => {
    const { dir, segment } = await closedLog()
    rmSync(segment)
    const ended = await walrus(['verify', '--dir', dir])
    expect(ended.code).toBe(3)
    expect(ended.stdout.toString()).toContain('(WALRUS_SEGMENT_MISSING)')
  })

  test('changes nothing', async () => {
    const { dir, segment } = await closedLog()
    flipByte(segment, 100_000)
    const before = readFileSync(segment)
    await walrus(['verify', '--dir', dir])
    expect(readFileSync(segment).equals(before)).toBe(true)
  })
})

describe('corruption that another command comes upon', () => {
  test('read gives what stands before it, then the error, and exits with 3', async () => {
    const { dir, segment } = await closedLog()
    flipByte(segment, 1_000_000)
    const ended = await walrus(['read', '--dir', dir])
    expect(ended.code).toBe(3)
    expect(ended.stderr).toMatch(
      /^walrus: .*000000000001\.seg.* at byte \d+.* \(WALRUS_CORRUPT\)\n {2}walrus verify lists everything that is damaged, and changes nothing\.\n$/,
    )
    const lines = ended.stdout.toString().trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(1000)
    expect(lines.every((line, i) => line === `line ${i + 1}`)).toBe(true)
  })

  test('append does not add to a log that has lost a segment, and exits with 3', async () => {
    const { dir, segment } = await closedLog()
    rmSync(segment)
    const ended = await walrus(['append', '--dir', dir], { input: 'more\n' })
    expect(ended.code).toBe(3)
    expect(ended.stderr).toMatch(
      /^walrus: .*000000000001\.seg is missing.* \(WALRUS_SEGMENT_MISSING\)\n/,
    )
  })
})
