import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freshDirectory, PATIENT, start, walrus } from './walrus.ts'

const SEGMENT = '000000000001.seg'

/** A closed log of ten entries. */
async function filled(): Promise<string> {
  const dir = freshDirectory()
  const lines = Array.from({ length: 10 }, (_, at) => `entry ${at + 1}\n`)
  for (const input of lines) await walrus(['append', '--dir', dir], { input })
  return dir
}

function damage(dir: string, entry: number): Buffer {
  const bytes = readFileSync(join(dir, SEGMENT))
  bytes[bytes.indexOf(`entry ${entry}`)]! ^= 1
  writeFileSync(join(dir, SEGMENT), bytes)
  return bytes
}

async function repair(dir: string, ...args: string[]): Promise<[number | null, string]> {
  const { code, stdout } = await walrus(['repair', '--dir', dir, ...args])
  return [code, stdout.toString()]
}

describe('walrus repair', () => {
  test('says what it would do, and changes nothing without --yes', async () => {
    const dir = await filled()
    const bytes = damage(dir, 7)
    const [code, text] = await repair(dir)
    expect(code).toBe(3)
    expect(text).toMatch(/^damaged .+\(WALRUS_CORRUPT\)\nwould end .+ at byte \d+\nwould lose/)
    expect(text).toContain('entries 7 to 10\nresult')
    expect(readFileSync(join(dir, SEGMENT))).toEqual(bytes)
    expect(readdirSync(dir)).not.toContain('quarantine')
  })

  test('leaves out what is damaged, keeps it, and the log opens again', async () => {
    const dir = await filled()
    const bytes = damage(dir, 7)
    const [code, text] = await repair(dir, '--yes', '--json')
    expect(code).toBe(0)
    const { damaged, done, salvaged, quarantined } = JSON.parse(text)
    expect({ damaged, done, salvaged }).toMatchObject({
      damaged: true,
      done: true,
      salvaged: { code: 'WALRUS_CORRUPT', firstLost: 7, lastLost: 10 },
    })
    expect(quarantined.map((path: string) => readFileSync(path))).toEqual([bytes])
    const { stdout } = await walrus(['read', '--dir', dir])
    expect(stdout.toString()).toBe('entry 1\nentry 2\nentry 3\nentry 4\nentry 5\nentry 6\n')
    const appended = await walrus(['append', '--dir', dir, '--ack'], { input: 'new\n' })
    expect(appended.stdout.toString()).toBe('7\n')
    expect((await walrus(['verify', '--dir', dir])).code).toBe(0)
  })

  test('has nothing to do for a log that is whole', async () => {
    const dir = await filled()
    expect(await repair(dir, '--yes')).toEqual([0, 'the log is whole; nothing to repair\n'])
  })

  test('refuses a log that is being written, and none', async () => {
    const dir = await filled()
    const writer = start(['append', '--dir', dir, '--ack'])
    writer.child.stdin.write('more\n')
    await expect.poll(() => writer.stdout, PATIENT).toBe('11\n')
    const locked = await walrus(['repair', '--dir', dir, '--yes'])
    expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('WALRUS_LOCKED')])
    const none = await walrus(['repair', '--dir', freshDirectory(), '--yes'])
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('WALRUS_NOT_FOUND')])
  })
})
