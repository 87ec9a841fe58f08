import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Log } from '@walrus/log'
import { describe, expect, test } from 'vitest'
import { freshDirectory, walrus } from './walrus.ts'

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

describe('walrus dump', () => {
  test('shows the tail file, then segments, groups and frames with their places', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir], { input: 'one\n\u001b[2J "x"\n' })
    const ended = await walrus(['dump', '--dir', dir])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout.toString()).toMatch(
      new RegExp(
        [
          String.raw`^TAIL`,
          String.raw` +\d+  tail +128 bytes  closed, durable before LSN 3, byte 324 of segment 1, next index 3, epoch 1, ${TIME}`,
          String.raw`\S+/log/000000000001\.seg`,
          String.raw` +0  segment +192 bytes  number 1, from LSN 1, next index 1, first of the log, epoch 1, ${TIME}`,
          String.raw` +192  group +132 bytes  2 frames from LSN 1, synced before LSN 1, epoch 1, ${TIME}`,
          String.raw` +256  frame +32 bytes  LSN 1, index 1: "one"`,
          String.raw` +288  frame +36 bytes  LSN 2, index 2: "\\x1b\[2J \\"x\\""`,
          '$',
        ].join('\n'),
      ),
    )
  })

  test('shows what entries were given, and those of named streams', async () => {
    const dir = freshDirectory()
    const log = await Log.open(dir)
    const given = { term: 2n ** 64n - 1n, timestamp: 1n, transactionId: 'tx\n1' }
    await log.append('plain', given)
    await log.stream('orders').append(new Uint8Array(50))
    await log.close()
    const text = (await walrus(['dump', '--dir', dir])).stdout.toString()
    expect(text).toContain(
      'LSN 1, index 1, term 18446744073709551615, timestamp 1, transaction tx\\n1: "plain"\n',
    )
    expect(text).toMatch(/LSN 2, stream 1 at 0, declares a stream: .*orders"\n/)
    expect(text).toContain(`LSN 3, stream 16 at 0: "${'\\0'.repeat(48)}"…\n`)
    const { stdout } = await walrus(['read', '--dir', dir, '--json'])
    expect(JSON.parse(stdout.toString())).toEqual({
      index: 1,
      time: expect.any(Number),
      term: '18446744073709551615',
      timestamp: '1',
      transactionId: 'tx\n1',
      data: 'plain',
    })
  })

  test('--json gives each piece as an object', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir], { input: Buffer.from([0x61, 0x0a, 0xff, 0x0a]) })
    const { stdout } = await walrus(['dump', '--dir', dir, '--json'])
    const items = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(items.map(({ type }) => type)).toEqual(['tail', 'segment', 'group', 'frame', 'frame'])
    expect(items[1].header.logId).toMatch(/^[0-9a-f]{32}$/)
    expect(items[3]).toMatchObject({ offset: 256, length: 32, lsn: 1, position: 1, data: 'a' })
    expect(items[4]).toMatchObject({ offset: 288, lsn: 2, position: 2, dataBase64: '/w==' })
  })

  test('shows damaged bytes as such, and goes on behind them', async () => {
    const dir = freshDirectory()
    await walrus(['append', '--dir', dir], { input: 'one\n' })
    await walrus(['append', '--dir', dir], { input: 'two\n' })
    const segment = join(dir, '000000000001.seg')
    const bytes = readFileSync(segment)
    bytes.writeUInt8(0x58, 282)
    writeFileSync(segment, bytes)
    const ended = await walrus(['dump', '--dir', dir])
    expect(ended.code).toBe(0)
    expect(ended.stdout.toString()).toMatch(/ 192  bad +96 bytes  no whole commit group/)
    expect(ended.stdout.toString()).toContain('LSN 2, index 2: "two"')
  })
})
