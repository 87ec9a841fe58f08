/** Views: entries in the storage's own memory, where it has any. */

import { describe, expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { digest, numbered } from './payloads.ts'
import { viewing } from './viewing-storage.ts'

const dir = freshDirectory()
const INDEXES = Array.from({ length: 100 }, (_, at) => at + 1)

describe('a view', () => {
  it('is the entry, in the segment being written and in those before', async () => {
    const storage = viewing()
    const log = await Log.open(dir(), { storage, segmentBytes: 65_536 })
    const stream = log.stream('orders')
    for (const index of INDEXES) {
      await log.append(numbered(index, index * 20), { term: BigInt(index) })
      await stream.append(numbered(index, 300))
      const entry = log.view(index)
      expect(entry).toMatchObject({ index, term: BigInt(index) })
      expect(digest(entry.data)).toBe(digest(numbered(index, index * 20)))
    }
    for (const index of [100, 1, 50, 99, 2]) {
      expect(digest(log.view(index).data)).toBe(digest(numbered(index, index * 20)))
      expect(digest(stream.view(index - 1).data)).toBe(digest(numbered(index, 300)))
    }
    for (const index of INDEXES) log.view(index)
    const { views } = storage
    for (const index of INDEXES) log.view(index)
    expect(storage.views).toBe(views)
    await log.close()
  })

  it('is empty once the log is closed', async () => {
    const log = await Log.open(dir(), { storage: viewing() })
    await log.append('here')
    const { data } = log.view(1)
    expect(data.length).toBe(4)
    await log.close()
    expect(data.length).toBe(0)
    expect(() => log.view(1)).toThrow(expect.objectContaining({ code: 'WALRUS_CLOSED' }))
  })

  it('of a storage that has none is read', async () => {
    const log = await Log.open(dir())
    await log.append('here')
    const { data } = log.view(1)
    await log.close()
    expect(Buffer.from(data).toString()).toBe('here')
  })

  it('is refused where there is no entry, and where it was damaged', async () => {
    const storage = viewing()
    const log = await Log.open(dir(), { storage })
    await log.append('here')
    expect(() => log.view(2)).toThrow(
      expect.objectContaining({ code: 'WALRUS_INDEX_OUT_OF_RANGE' }),
    )
    const [segment] = (await storage.list(log.dir)).filter((name) => name.endsWith('.seg'))
    const file = await storage.open(`${log.dir}/${segment}`, 'write')
    await file.write(Uint8Array.of(0xff), 192 + 64 + 24, false)
    await file.close()
    expect(() => log.view(1)).toThrow(expect.objectContaining({ code: 'WALRUS_CORRUPT', index: 1 }))
    await log.close()
  })
})
