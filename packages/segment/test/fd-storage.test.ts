import { constants, openSync } from 'node:fs'
import { mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FdFile } from '../src/fd-file.ts'
import { fd } from '../src/fd-storage.ts'

const storage = fd()
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'walrus-fd-'))
})

afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

describe('options', () => {
  it('zeros are written ahead unless that is turned off', () => {
    expect(fd().zeroAhead).toBe(true)
    expect(fd({ zeroAhead: false }).zeroAhead).toBe(false)
  })

  it('a misspelt or wrong one is refused by name', () => {
    expect(() => fd({ zeroahead: true } as never)).toThrow(
      expect.objectContaining({
        code: 'WALRUS_INVALID_OPTION',
        message: expect.stringContaining('"zeroahead"'),
      }),
    )
    expect(() => fd({ zeroAhead: 1 } as never)).toThrow(/zeroAhead must be true or false, got 1/)
  })
})

describe('errors', () => {
  it('carry the system’s own', async () => {
    const path = join(dir, 'missing')
    await expect(storage.open(path, 'read')).rejects.toMatchObject({
      code: 'WALRUS_NOT_FOUND',
      file: path,
      cause: { code: 'ENOENT', syscall: 'open' },
    })
  })

  it('come at once from what is no regular file', async () => {
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const mode of ['read', 'write'] as const) {
      await expect(storage.open(pipe, mode)).rejects.toMatchObject({ code: 'WALRUS_IO' })
      expect(() => storage.openSync(pipe, mode)).toThrow(/not a regular file/)
    }
  })
})

describe('modes', () => {
  it('what is made is closed to other users', async () => {
    const before = process.umask(0)
    try {
      await storage.mkdir(join(dir, 'x', 'y'))
      await (await storage.open(join(dir, 'a'), 'create')).close()
      storage.openSync(join(dir, 'b'), 'create').closeSync()
      await (await storage.lock(dir)).release()
    } finally {
      process.umask(before)
    }
    const mode = async (name: string) => (await stat(join(dir, name))).mode & 0o777
    expect(await mode('x')).toBe(0o750)
    expect(await mode(join('x', 'y'))).toBe(0o750)
    expect(await mode('a')).toBe(0o640)
    expect(await mode('b')).toBe(0o640)
    expect(await mode('LOCK')).toBe(0o750)
    expect(await mode(join('LOCK', '1'))).toBe(0o750)
    expect(await mode(join('LOCK', '1', 'released.json'))).toBe(0o640)
  })
})

describe('what exceeds one call of the system', () => {
  // Never touched, so never there: the kernel maps it to one page of zeros.
  const huge = Buffer.alloc(2 ** 31 + 4096)

  it('is written', async () => {
    const sink = new FdFile('/dev/null', openSync('/dev/null', constants.O_WRONLY), true)
    await sink.write(huge, 0, false)
    sink.writeSync(huge, 0, false)
    await sink.close()
  })

  it('is read', async () => {
    await writeFile(join(dir, 'a'), 'hello')
    const file = await storage.open(join(dir, 'a'), 'read')
    expect(await file.read(huge, 0)).toBe(5)
    expect(file.readSync(huge, 0)).toBe(5)
    expect(huge.toString('latin1', 0, 5)).toBe('hello')
    await file.close()
  })
})

describe('timers', () => {
  function run(code: string): string {
    const program = `import { fd } from '@walrus/segment'; const { env } = fd(); ${code}`
    const args = ['--input-type=module', '--eval', program]
    return execFileSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 20_000,
      cwd: import.meta.dirname,
    })
  }

  it('do not keep the process alive', () => {
    expect(run('env.after(3_600_000, () => {}); process.stdout.write("ended")')).toBe('ended')
  })

  it('what is due soon does', () => {
    expect(run('env.soon(() => process.stdout.write("ran"))')).toBe('ran')
  })
})

describe('watch', () => {
  it('hints at writes, also after the file was renamed over, and at no other file’s', async () => {
    const path = join(dir, 'a')
    await writeFile(path, 'one')
    let hints = 0
    const watch = storage.watch(path, () => hints++)
    await writeFile(path, 'two')
    await expect.poll(() => hints).toBeGreaterThan(0)
    await writeFile(join(dir, 'b'), 'three')
    await rename(join(dir, 'b'), path)
    await new Promise((resolve) => setTimeout(resolve, 50))
    hints = 0
    await writeFile(join(dir, 'c'), 'four')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(hints).toBe(0)
    await writeFile(path, 'five')
    await expect.poll(() => hints).toBeGreaterThan(0)
    watch.close()
  })
})

describe('the lock', () => {
  it('is one, by whatever path the directory is reached', async () => {
    await storage.mkdir(join(dir, 'data'))
    await symlink(join(dir, 'data'), join(dir, 'alias'))
    const lock = await storage.lock(join(dir, 'data'))
    await expect(storage.lock(join(dir, 'alias'))).rejects.toMatchObject({ code: 'WALRUS_LOCKED' })
    expect(await storage.locked(join(dir, 'alias'))).toMatchObject({ pid: process.pid })
    await lock.release()
  })

  it('of a file is none', async () => {
    await writeFile(join(dir, 'a'), '')
    await expect(storage.lock(join(dir, 'a'))).rejects.toMatchObject({
      code: 'WALRUS_NOT_A_DIRECTORY',
    })
    await writeFile(join(dir, 'LOCK'), '')
    await expect(storage.lock(dir)).rejects.toMatchObject({ code: 'WALRUS_NOT_A_DIRECTORY' })
  })
})
