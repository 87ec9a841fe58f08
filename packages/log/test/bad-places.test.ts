/** Places where no log can be opened: each says why, and nothing is changed or left behind. */

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { Log } from '../src/index.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'walrus-places-'))
  chmodSync(root, 0o755)
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('a path', () => {
  it('of a file', async () => {
    const path = join(root, 'file')
    writeFileSync(path, 'not a log')
    for (const dir of [path, join(path, 'below')]) {
      for (const readOnly of [false, true]) {
        await expect(Log.open(dir, { readOnly })).rejects.toMatchObject({
          code: 'WALRUS_NOT_A_DIRECTORY',
          file: expect.stringContaining(path),
        })
      }
    }
    expect(readdirSync(root)).toEqual(['file'])
  })

  it('that leads nowhere: it is made for writing, and not for reading', async () => {
    const dir = join(root, 'a', 'b', 'log')
    await expect(Log.open(dir, { readOnly: true })).rejects.toMatchObject({
      code: 'WALRUS_NOT_FOUND',
      file: dir,
    })
    expect(readdirSync(root)).toEqual([])
    const log = await Log.open(dir)
    expect(await log.append('first')).toBe(1)
    await log.close()
  })

  it('of a directory with other things in it: they are left alone', async () => {
    writeFileSync(join(root, 'notes.txt'), 'mine')
    writeFileSync(join(root, '12.seg'), 'mine too')
    mkdirSync(join(root, 'folder'))
    await expect(Log.open(root, { readOnly: true })).rejects.toMatchObject({
      code: 'WALRUS_NOT_FOUND',
    })
    const log = await Log.open(root)
    await log.append('first')
    await log.close()
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['notes.txt', '12.seg', 'folder']))
  })

  it('of a link that goes round in circles', async () => {
    symlinkSync(join(root, 'b'), join(root, 'a'))
    symlinkSync(join(root, 'a'), join(root, 'b'))
    await expect(Log.open(join(root, 'a'))).rejects.toMatchObject({ code: 'WALRUS_IO' })
  })

  it('where a directory stands in the place of a segment, or of the tail file', async () => {
    for (const name of ['000000000001.seg', 'TAIL']) {
      const dir = join(root, name.toLowerCase())
      mkdirSync(join(dir, name), { recursive: true })
      await expect(Log.open(dir)).rejects.toMatchObject({
        code: 'WALRUS_IO',
        file: join(dir, name),
      })
    }
  })
})

describe('without permission', () => {
  const NOBODY = 65_534

  /** Runs as a user who may do nothing here. */
  async function asNobody(context: TestContext, run: () => Promise<void>): Promise<void> {
    if (process.geteuid?.() !== 0 || process.seteuid === undefined) {
      context.skip('only root can become another user')
    }
    process.seteuid(NOBODY)
    try {
      await run()
    } finally {
      process.seteuid(0)
    }
  }

  it('to make the directory', async (context) => {
    await asNobody(context, async () => {
      const dir = join(root, 'log')
      await expect(Log.open(dir)).rejects.toMatchObject({ code: 'WALRUS_PERMISSION_DENIED' })
    })
    expect(readdirSync(root)).toEqual([])
  })

  it('to look into the directory', async (context) => {
    const dir = join(root, 'log')
    mkdirSync(dir, { mode: 0o700 })
    await asNobody(context, async () => {
      for (const readOnly of [false, true]) {
        await expect(Log.open(dir, { readOnly })).rejects.toMatchObject({
          code: 'WALRUS_PERMISSION_DENIED',
          file: expect.stringContaining(dir),
        })
      }
    })
  })

  it('to write: the log can be read, not written to', async (context) => {
    const dir = join(root, 'log')
    const log = await Log.open(dir)
    await log.append('first')
    await log.close()
    for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o755)
    chmodSync(dir, 0o755)
    const before = readdirSync(dir)
    await asNobody(context, async () => {
      await expect(Log.open(dir)).rejects.toMatchObject({ code: 'WALRUS_PERMISSION_DENIED' })
      const reader = await Log.open(dir, { readOnly: true })
      expect(reader.lastIndex).toBe(1)
      await reader.close()
    })
    expect(readdirSync(dir)).toEqual(before)
  })

  it('to read one segment: the others can be read, and the error names it', async (context) => {
    const dir = join(root, 'log')
    const log = await Log.open(dir, { segmentBytes: 0x1_0000 })
    for (let entry = 0; entry < 5; entry++) await log.append(Buffer.alloc(40_000, entry))
    await log.close()
    chmodSync(dir, 0o755)
    for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o755)
    chmodSync(join(dir, '000000000002.seg'), 0o600)
    await asNobody(context, async () => {
      const reader = await Log.open(dir, { readOnly: true })
      expect((await reader.get(5)).data[0]).toBe(4)
      await expect(reader.get(2)).rejects.toMatchObject({
        code: 'WALRUS_PERMISSION_DENIED',
        file: join(dir, '000000000002.seg'),
      })
      await reader.close()
    })
  })
})
