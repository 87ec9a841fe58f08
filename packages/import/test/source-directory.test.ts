import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Findings, lookInto, readGoLog, readKvStore } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()

function file(...names: string[]): void {
  for (const name of names) writeFileSync(join(dir(), name), '')
}

it('files are in the order of their numbers, not of their names', async () => {
  file('wal-10000.log', 'wal-9999.log', 'wal-0001.log', 'wal-notes.log', 'notes.txt')
  const { format, files } = await lookInto(dir())
  expect(format).toBe('kv')
  expect(files.map(({ number }) => number)).toEqual([1, 9999, 10000])
})

it.each([
  ['an empty directory', [], 'it is empty'],
  ['files of none of the systems', ['a.txt', 'b'], 'none of its 2 files'],
  [
    'files of two of them',
    ['wal-0001.log', 'segment_00000000000000000001.wal'],
    'folders of their own',
  ],
  [
    'two files of one number',
    ['wal-0001.log', 'wal-00001.log'],
    'two of its files have the number 1',
  ],
  ['a log of Walrus', ['TAIL', '000000000001.seg'], 'a log of Walrus already'],
] as const)('%s is refused', async (_, names, why) => {
  file(...names)
  await expect(lookInto(dir())).rejects.toMatchObject({
    code: 'WALRUS_NOT_A_SOURCE',
    message: expect.stringContaining(why) as string,
  })
})

it('the folder above an instance is refused, and the instance named', async () => {
  mkdirSync(join(dir(), 'tenant-1'))
  file('tenant-1/1795168473212')
  await expect(lookInto(dir())).rejects.toThrow(`${join(dir(), 'tenant-1')} looks like one`)
})

it('another system than the one asked for is refused', async () => {
  file('wal-0001.log')
  await expect(lookInto(dir(), 'go')).rejects.toThrow(
    'it was written by the Go key-value store (wal-*.log), not by the Go log (segment_*.wal)',
  )
})

it('what is no directory is refused', async () => {
  file('a')
  await expect(lookInto(join(dir(), 'a'))).rejects.toMatchObject({ code: 'WALRUS_NOT_A_DIRECTORY' })
  await expect(lookInto(join(dir(), 'b'))).rejects.toMatchObject({ code: 'WALRUS_NOT_FOUND' })
  symlinkSync('c', join(dir(), 'c'))
  await expect(lookInto(join(dir(), 'c'))).rejects.toMatchObject({
    code: 'WALRUS_IO',
    message: expect.stringContaining('in a circle') as string,
  })
})

it('a link to itself, and a folder, where a file should be are refused', async () => {
  const name = 'segment_00000000000000000001.wal'
  symlinkSync(name, join(dir(), name))
  const read = async (): Promise<void> => {
    for await (const _ of readGoLog(await lookInto(dir()), undefined, new Findings(false))) continue
  }
  await expect(read()).rejects.toThrow('in a circle')
  mkdirSync(join(dir(), 'kv'))
  mkdirSync(join(dir(), 'kv', 'wal-0001.log'))
  const source = await lookInto(join(dir(), 'kv'))
  const next = readKvStore(source, undefined, new Findings(false)).next()
  await expect(next).rejects.toMatchObject({ code: 'WALRUS_NOT_A_FILE' })
})
