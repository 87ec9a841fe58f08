/** Where instances keep their files: keys that neither escape nor collide, and the environment. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Topics } from '../src/index.ts'
import { folderOf, logDirectory } from '../src/instance.ts'
import { freshDirectory } from './fresh-directory.ts'
import { text } from './simulated.ts'

const dir = freshDirectory()

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the folder of a key', () => {
  it.each(['orders', 'Tenant-1_a.b', '_a', '1', '.hidden', 'ns_x'])('%j is its own', (key) => {
    expect(folderOf(key)).toBe(key)
  })

  const OTHERS = [
    ...[
      '',
      '.',
      '..',
      '...',
      '/',
      '//',
      '_',
      '__',
      '../..',
      'a/b',
      'a:b',
      'a b',
      'a_b~',
      'é',
      'e\u0301',
    ],
    ...['TAIL', 'tail', 'LOCK.1', 'quarantine', '000000000001.seg', 'x.idx', 'tx-1.tmp', 'a.new'],
    ...[
      '\0',
      'CON',
      'nul.txt',
      'a.',
      '🐋',
      'x'.repeat(300),
      'x'.repeat(301),
      'ns_0123456789abcdef',
    ],
  ]

  it('is one directly in the data directory, and no two keys have the same', () => {
    const keys = [...OTHERS, 'a_b', 'orders']
    const folders = keys.map(folderOf)
    expect(new Set(folders).size).toBe(keys.length)
    for (const folder of folders) {
      expect(folder).toMatch(/^[A-Za-z0-9._-]+(~[0-9a-f]{16})?$/)
      expect(join('/data', folder)).toBe(`/data/${folder}`)
      expect(folder.length).toBeLessThan(200)
    }
  })

  it.each(OTHERS)('%j gets a hash', (key) => {
    expect(folderOf(key)).toMatch(/^(.+~|ns_)[0-9a-f]{16}$/)
  })

  it('is refused for what is no text', () => {
    expect(() => folderOf('a\ud83d')).toThrow('well-formed')
    expect(() => folderOf(5 as never)).toThrow('key must be a string')
  })
})

describe('the environment', () => {
  it('names data directory and instance where the caller does not', () => {
    const named = { WALRUS_DATA_DIR: '/data', WALRUS_INSTANCE_KEY: 'a/b' }
    expect(logDirectory(undefined, undefined, {})).toBe('./walrus-data')
    expect(logDirectory(undefined, undefined, { WALRUS_DATA_DIR: '' })).toBe('./walrus-data')
    expect(logDirectory(undefined, undefined, named)).toBe(`/data/${folderOf('a/b')}`)
    expect(logDirectory(undefined, 'mine', named)).toBe('/data/mine')
  })

  it('counts for nothing where a directory is given', () => {
    const named = { WALRUS_DATA_DIR: '/data', WALRUS_INSTANCE_KEY: 'key' }
    expect(logDirectory('/mine', undefined, named)).toBe('/mine')
    expect(logDirectory('/mine', 'k', named)).toBe('/mine/k')
  })

  it('is that of the process', async () => {
    vi.stubEnv('WALRUS_DATA_DIR', join(dir(), 'data'))
    vi.stubEnv('WALRUS_INSTANCE_KEY', 'one')
    const topics = await Topics.open()
    await topics.topic('t').append('here')
    await topics.close()
    expect(readdirSync(join(dir(), 'data', 'one'))).toContain('TAIL')
    const again = await Topics.open(join(dir(), 'data', 'one'))
    expect(text(await again.topic('t').next())).toBe('here')
    await again.close()
  })

  it('silences notices', async () => {
    const said: unknown[] = []
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((what) => {
      said.push(what)
      return true
    })
    const { noticesOf } = await import('../src/notices.ts')
    noticesOf({})!.warn('something', { is: 'wrong' })
    expect(noticesOf({ WALRUS_QUIET: '' })).toBeUndefined()
    expect(noticesOf({ WALRUS_QUIET: '1' })).toBeUndefined()
    write.mockRestore()
    expect(said).toEqual(['walrus: something\n'])
  })
})

it('instances in folders of one data directory know nothing of one another, and the directory itself can be one', async () => {
  const keys = [undefined, 'a', 'b', 'quarantine', '..']
  const all = await Promise.all(
    keys.map((key) => Topics.open(dir(), key === undefined ? {} : { key })),
  )
  await Promise.all(all.map((topics, n) => topics.topic('t').append(`of ${n}`)))
  await Promise.all(all.map((topics) => topics.close()))
  expect(existsSync(join(dir(), '..', 'TAIL'))).toBe(false)
  for (const [n, key] of keys.entries()) {
    const again = await Topics.open(dir(), key === undefined ? {} : { key })
    expect(again.topic('t').entries).toBe(1)
    expect(text(await again.topic('t').next())).toBe(`of ${n}`)
    await again.close()
  }
})
