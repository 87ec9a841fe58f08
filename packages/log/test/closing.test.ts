import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { isGroup, observed } from './observed-storage.ts'
import { numbered } from './payloads.ts'

const dir = freshDirectory()
const DURABILITIES: Durability[] = ['commit', { everyMs: 20 }, 'none']

describe.each(DURABILITIES)('close under %j', (durability) => {
  it('acknowledges what was appended and not waited for, and makes it durable', async () => {
    const log = await Log.open(dir(), { durability, segmentBytes: 65_536, bufferBytes: 65_536 })
    const appended = Array.from({ length: 200 }, (_, at) => log.append(numbered(at, 3_000)))
    const inStream = log.stream('s').appendBatch(['a', 'b'])
    if (durability === 'none') log.appendSync('c')
    await log.close()
    expect(await Promise.all(appended)).toEqual(appended.map((_, at) => at + 1))
    expect(await inStream).toEqual([0, 1])
    const count = durability === 'none' ? 201 : 200
    expect([log.firstIndex, log.lastIndex]).toEqual([1, count])
    expect(log.marks.durable).toBe(log.marks.sequenced)
    const again = await Log.open(dir())
    expect(again.recovery).toMatchObject({ clean: true, torn: undefined })
    expect(await again.range(1, 300)).toHaveLength(count)
    expect(again.stream('s').next).toBe(2)
    await again.close()
  })

  it('may be called again, and meanwhile, and always settles', async () => {
    const log = await Log.open(dir(), { durability })
    const appended = log.append('x')
    const calls = [log.close(), log.close(), log[Symbol.asyncDispose]()]
    await Promise.all(calls)
    expect(await appended).toBe(1)
    await log.close()
    const again = await Log.open(dir())
    await again.close()
  })
})

describe('a closed log', () => {
  it('refuses everything but the first and last index, the marks and the statistics', async () => {
    const log = await Log.open(dir())
    const stream = log.stream('s')
    await log.appendBatch(['a', 'b'])
    await stream.append('x')
    await log.close()
    const refusal = { code: 'WALRUS_CLOSED', message: 'the log is closed' }
    await expect(log.append('c')).rejects.toMatchObject(refusal)
    await expect(log.append(Buffer.from('c'))).rejects.toMatchObject(refusal)
    await expect(log.appendBatch(['c'])).rejects.toMatchObject(refusal)
    await expect(log.appendBatch([])).rejects.toMatchObject(refusal)
    expect(() => log.appendSync('c')).toThrow(expect.objectContaining(refusal))
    expect(() => log.appendSync(Buffer.from('c'))).toThrow(expect.objectContaining(refusal))
    await expect(stream.append('c')).rejects.toMatchObject(refusal)
    await expect(log.get(1)).rejects.toMatchObject(refusal)
    expect(() => log.getSync(1)).toThrow(expect.objectContaining(refusal))
    await expect(log.range(1, 2)).rejects.toMatchObject(refusal)
    await expect(log.read()).rejects.toMatchObject(refusal)
    await expect(log.entries().next()).rejects.toMatchObject(refusal)
    await expect(stream.get(0)).rejects.toMatchObject(refusal)
    await expect(stream.range(0, 0)).rejects.toMatchObject(refusal)
    await expect(stream.read()).rejects.toMatchObject(refusal)
    await expect(log.sync()).rejects.toMatchObject(refusal)
    await expect(log.refresh()).rejects.toMatchObject(refusal)
    expect([log.firstIndex, log.lastIndex]).toEqual([1, 2])
    expect(log.marks.durable).toBe(5)
    expect(log.stats()).toMatchObject({ firstIndex: 1, lastIndex: 2, pendingBytes: 0 })
  })

  it('refuses from the moment close is called', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    storage.hold = isGroup
    const before = log.append('before')
    await sleep(1)
    const closed = log.close()
    await expect(log.append('after')).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    expect(() => log.appendSync('after')).toThrow('the log is closed')
    storage.release()
    expect(await before).toBe(1)
    await closed
    expect(log.lastIndex).toBe(1)
  })

  it('has no file open, also after a read that was under way', async () => {
    const storage = observed()
    const before = readdirSync('/proc/self/fd').length
    const log = await Log.open(dir(), { storage, segmentBytes: 65_536 })
    const stream = log.stream('s')
    await stream.append('x')
    for (let at = 0; at < 10; at++) await log.append(numbered(at, 30_000))
    storage.hold = ({ what }) => what === 'read'
    const reading = [log.get(1), log.range(1, 10), log.read()]
    const settled = Promise.allSettled(reading)
    await sleep(1)
    await log.close()
    storage.release()
    await settled
    expect(() => stream.next).toThrow('the log is closed')
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before)
  })

  it('was closed by await using', async () => {
    let kept: Log
    {
      // oxlint-disable-next-line typescript/await-thenable -- it is; the linter misses the types of the tests
      await using log = await Log.open(dir())
      await log.append('x')
      kept = log
    }
    await expect(kept.append('y')).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
    const again = await Log.open(dir())
    expect(again.lastIndex).toBe(1)
    await again.close()
  })
})

describe('the files after a clean close', () => {
  it('end with the last entry: no zeros written ahead, nothing unfinished', async () => {
    const log = await Log.open(dir(), { segmentBytes: 2 ** 20 })
    for (let at = 0; at < 200; at++) await log.append(numbered(at, 100))
    const grown = statSync(join(dir(), '000000000001.seg')).size
    await log.close()
    const names = readdirSync(dir()).sort()
    expect(names).toEqual(['000000000001.idx', '000000000001.seg', 'LOCK', 'TAIL'])
    const bytes = readFileSync(join(dir(), '000000000001.seg'))
    expect(bytes.length).toBeLessThan(grown)
    expect(bytes.subarray(-100 - 4, -4).equals(numbered(199, 100))).toBe(true)
  })

  it('say that the log was closed, even when that took long to write', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('x')
    storage.hold = ({ what, file, durable }) => what === 'write' && file === 'TAIL' && durable
    const closed = log.close()
    await expect.poll(() => storage.held.length).toBe(1)
    await sleep(20)
    storage.release()
    await closed
    const again = await Log.open(dir())
    expect(again.recovery.clean).toBe(true)
    await again.close()
  })

  it('say how far the log went', async () => {
    const storage = observed()
    const log = await Log.open(dir(), { storage })
    await log.append('x')
    await log.close()
    const { size } = statSync(join(dir(), '000000000001.seg'))
    const last = storage.calls.findLast(({ what }) => what === 'write')!
    expect(last).toMatchObject({ file: 'TAIL', durable: true })
    const tail = new DataView(last.bytes.buffer)
    expect(tail.getBigUint64(40, true)).toBe(1n)
    expect(tail.getBigUint64(48, true)).toBe(BigInt(size))
    expect(tail.getBigUint64(56, true)).toBe(2n)
    expect(tail.getUint32(88, true)).toBe(1)
  })
})
