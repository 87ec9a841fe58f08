import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Log, type LogEntry } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { LogProcess } from './log-process.ts'
import { digest, numbered } from './payloads.ts'

const dir = freshDirectory()
const texts = (entries: readonly LogEntry[]): string[] =>
  entries.map(({ data }) => Buffer.from(data).toString())

/** Everything in a directory that changes when anything in it is changed. */
function state(path: string): unknown {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
  return ['.', ...names].map((name) => {
    const { size, mtimeMs, ctimeMs, mode } = statSync(join(path, name))
    return { name, size, mtimeMs, ctimeMs, mode }
  })
}

describe('a log opened for reading, alone', () => {
  it('gives everything, and changes nothing on disk', async () => {
    const writer = await Log.open(dir(), { segmentBytes: 65_536 })
    for (let at = 1; at <= 50; at++) await writer.append(numbered(at, 5_000))
    await writer.stream('s').appendBatch(['a', 'b'])
    await writer.close()
    const before = state(dir())

    const log = await Log.open(dir(), { readOnly: true })
    expect(log.recovery).toMatchObject({ clean: true, scannedBytes: 0, torn: undefined })
    expect([log.firstIndex, log.lastIndex]).toEqual([1, 50])
    expect(log.streams()).toEqual(['s'])
    expect(log.marks.durable).toBe(log.marks.sequenced)
    const read = await log.range(1, 50)
    expect(read.map(({ data }) => digest(data))).toEqual(
      Array.from({ length: 50 }, (_, at) => digest(numbered(at + 1, 5_000))),
    )
    expect(texts(await log.stream('s').range(0, 9))).toEqual(['a', 'b'])
    expect(digest(log.getSync(7).data)).toBe(digest(numbered(7, 5_000)))
    await log.refresh()
    const seen: number[] = []
    for await (const { index } of log.entries()) seen.push(index)
    expect(seen).toHaveLength(50)
    await log.close()
    expect(state(dir())).toEqual(before)
  })

  it('refuses to append and to sync, with WALRUS_READ_ONLY', async () => {
    await (await Log.open(dir())).close()
    const log = await Log.open(dir(), { readOnly: true })
    const refusal = { code: 'WALRUS_READ_ONLY', message: expect.stringContaining('readOnly') }
    await expect(log.append('x')).rejects.toMatchObject(refusal)
    await expect(log.append(Buffer.from('x'))).rejects.toMatchObject(refusal)
    await expect(log.appendBatch(['x'])).rejects.toMatchObject(refusal)
    await expect(log.appendBatch([])).rejects.toMatchObject(refusal)
    expect(() => log.appendSync('x')).toThrow(expect.objectContaining(refusal))
    expect(() => log.appendSync(Buffer.from('x'))).toThrow(expect.objectContaining(refusal))
    await expect(log.stream('s').append('x')).rejects.toMatchObject(refusal)
    expect(() => log.stream('s').appendSync('x')).toThrow(expect.objectContaining(refusal))
    await expect(log.sync()).rejects.toMatchObject(refusal)
    await log.close()
  })

  it('gives WALRUS_NOT_FOUND where there is no log, and makes none', async () => {
    const missing = join(dir(), 'missing')
    const refusal = { code: 'WALRUS_NOT_FOUND' }
    await expect(Log.open(missing, { readOnly: true })).rejects.toMatchObject(refusal)
    expect(existsSync(missing)).toBe(false)
    const empty = join(dir(), 'empty')
    mkdirSync(empty)
    writeFileSync(join(empty, 'notes.txt'), 'x')
    await expect(Log.open(empty, { readOnly: true })).rejects.toMatchObject({
      ...refusal,
      message: `there is no log in ${empty}`,
      file: empty,
    })
    expect(readdirSync(empty)).toEqual(['notes.txt'])
  })

  it('gives WALRUS_NOT_A_DIRECTORY for a file', async () => {
    const file = join(dir(), 'file')
    writeFileSync(file, 'x')
    for (const options of [{ readOnly: true }, {}]) {
      await expect(Log.open(file, options)).rejects.toMatchObject({
        code: 'WALRUS_NOT_A_DIRECTORY',
        file: expect.stringContaining(file),
      })
    }
  })

  it('follows a writer that comes later', async () => {
    const first = await Log.open(dir())
    await first.append('before')
    await first.close()
    const log = await Log.open(dir(), { readOnly: true })
    const next = log.entries({ from: 2, follow: true }).next()
    const writer = await Log.open(dir())
    await writer.append('after')
    expect(texts([(await next).value!])).toEqual(['after'])
    await writer.close()
    await log.close()
  })
})

/** Lets everyone read what is there, and nobody write. */
function makeReadable(path: string): void {
  for (const name of ['.', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
    const file = join(path, name)
    chmodSync(file, statSync(file).isDirectory() ? 0o555 : 0o444)
  }
}

/** Whether any user may come to this file. */
function isOpenToAll(path: string): boolean {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
  }
  return true
}

const openToAll = [fileURLToPath(import.meta.url), process.execPath].every(isOpenToAll)
const someoneElse = process.getuid?.() === 0 && openToAll ? 65_534 : undefined
const NEEDS = 'needs root to become one, and a checkout and a Node that any user may read'

describe.skipIf(someoneElse === undefined)(`another user (${NEEDS})`, () => {
  it('who may not write can read a log, alone and beside its writer', async () => {
    const path = join(dir(), 'log')
    const writer = await Log.open(path)
    await writer.append('a')
    chmodSync(dir(), 0o755)
    makeReadable(path)
    const reader = new LogProcess(path, { uid: someoneElse!, gid: someoneElse! })
    await reader.open({ readOnly: true })
    expect(await reader.tell('read')).toEqual(['a'])
    await writer.append('b')
    await expect.poll(() => reader.tell('read')).toEqual(['a', 'b'])
    await writer.close()
    await reader.tell('close')
    makeReadable(path)
    await reader.open({ readOnly: true })
    expect(await reader.tell('read')).toEqual(['a', 'b'])
    await reader.kill()
  })

  it('who may not even read is told so', async () => {
    const path = join(dir(), 'log')
    await (await Log.open(path)).close()
    chmodSync(dir(), 0o755)
    const reader = new LogProcess(path, { uid: someoneElse!, gid: someoneElse! })
    await expect(reader.open({ readOnly: true })).rejects.toThrow('WALRUS_PERMISSION_DENIED')
    await expect(reader.open()).rejects.toThrow('WALRUS_PERMISSION_DENIED')
    await reader.kill()
  })

  it('who may not write is told so when opening for writing', async () => {
    const path = join(dir(), 'log')
    await (await Log.open(path)).close()
    chmodSync(dir(), 0o755)
    chmodSync(path, 0o555)
    const user = new LogProcess(path, { uid: someoneElse!, gid: someoneElse! })
    await expect(user.open()).rejects.toThrow('WALRUS_PERMISSION_DENIED')
    const missing = new LogProcess(join(dir(), 'missing'), { uid: someoneElse!, gid: someoneElse! })
    await expect(missing.open()).rejects.toThrow('WALRUS_PERMISSION_DENIED')
    await Promise.all([user.kill(), missing.kill()])
  })
})
