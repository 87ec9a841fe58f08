import { existsSync, readdirSync } from 'node:fs'
import { Log } from '@walrus/log'
import { describe, expect, test } from 'vitest'
import { freshDirectory, walrus } from './walrus.ts'

/** A log of several segments. */
async function filled(): Promise<string> {
  const dir = freshDirectory()
  const log = await Log.open(dir, { segmentBytes: 65_536 })
  for (let at = 0; at < 30; at++) await log.append(new Uint8Array(10_000))
  await log.stream('s').append('x')
  await log.close()
  return dir
}

function segmentsIn(dir: string): number {
  return readdirSync(dir).filter((name) => name.endsWith('.seg')).length
}

describe('walrus retain', () => {
  test('says with --dry-run what would go, and changes nothing, also beside a writer', async () => {
    const dir = await filled()
    const writer = await Log.open(dir, { segmentBytes: 65_536 })
    const before = readdirSync(dir)
    const args = ['retain', '--dir', dir, '--max-segments', '2', '--dry-run']
    const { stdout, code } = await walrus(args)
    expect(code).toBe(0)
    expect(stdout.toString()).toMatch(
      /^would go {4}000000000001\.seg, 60\.\d kB\n(would go .*\n){2,}entries {5}1 to \d+ would go\nwould free {2}\d segments, .*\nkept {8}2 segments, .*\n$/,
    )
    expect(readdirSync(dir)).toEqual(before)
    await writer.close()
  })

  test('removes the oldest segments, and prints the same as JSON', async () => {
    const dir = await filled()
    const limits = ['--max-bytes', '200000', '--max-age', '30d']
    const planned = await walrus(['retain', '--dir', dir, ...limits, '--dry-run', '--json'])
    const done = await walrus(['retain', '--dir', dir, ...limits, '--json'])
    const report = JSON.parse(done.stdout.toString())
    expect(report).toEqual({ ...JSON.parse(planned.stdout.toString()), dryRun: false })
    expect(report.kept.bytes).toBeLessThanOrEqual(200_000)
    expect(segmentsIn(dir)).toBe(report.kept.segments)
    const { stdout } = await walrus(['verify', '--dir', dir])
    expect(stdout.toString()).toContain(`indexes ${report.streams[0].last + 1} to 30`)
  })

  test('removes nothing without a limit, and makes no log', async () => {
    const dir = await filled()
    const before = segmentsIn(dir)
    const { stdout } = await walrus(['retain', '--dir', dir])
    expect(stdout.toString()).toMatch(/^freed {2}0 segments, 0 B\n/)
    expect(segmentsIn(dir)).toBe(before)
    const none = freshDirectory()
    expect((await walrus(['retain', '--dir', none])).code).toBe(1)
    expect(existsSync(none)).toBe(false)
  })
})
