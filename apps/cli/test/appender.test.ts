import { describe, expect, test } from 'vitest'
import { Appender, type BatchLog } from '../src/appender.ts'

/** A log whose batches settle when the test says so. */
class ManualLog implements BatchLog {
  readonly batches: { resolve(): void; reject(error: Error): void; entries: number }[] = []
  #last = 0

  appendBatch(entries: readonly Uint8Array[]): Promise<number[]> {
    const first = this.#last + 1
    this.#last += entries.length
    return new Promise((resolve, reject) => {
      this.batches.push({
        entries: entries.length,
        resolve: () => resolve(entries.map((_, i) => first + i)),
        reject,
      })
    })
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('batches on their way into the log', () => {
  test('are handed over at once and acknowledged by their last index', async () => {
    const log = new ManualLog()
    const acknowledged: number[] = []
    const appender = new Appender(
      log,
      (index) => acknowledged.push(index),
      () => {},
    )
    await appender.submit([Buffer.from('a'), Buffer.from('b')])
    await appender.submit([Buffer.from('c')])
    expect(log.batches.length).toBe(2)
    expect(acknowledged).toEqual([])
    log.batches[0]?.resolve()
    await turn()
    expect(acknowledged).toEqual([2])
    log.batches[1]?.resolve()
    await appender.drain()
    expect(acknowledged).toEqual([2, 3])
    expect([appender.entries, appender.bytes, appender.lastIndex]).toEqual([3, 3, 3])
  })

  test('are acknowledged in order, even when a later one settles first', async () => {
    const log = new ManualLog()
    const acknowledged: number[] = []
    const appender = new Appender(
      log,
      (index) => acknowledged.push(index),
      () => {},
    )
    await appender.submit([Buffer.from('a')])
    await appender.submit([Buffer.from('b')])
    log.batches[1]?.resolve()
    await turn()
    expect(acknowledged).toEqual([])
    log.batches[0]?.resolve()
    await appender.drain()
    expect(acknowledged).toEqual([1, 2])
  })

  test('hold the reader back when too many bytes are under way', async () => {
    const log = new ManualLog()
    const appender = new Appender(
      log,
      () => {},
      () => {},
    )
    const megabyte = Buffer.alloc(1024 * 1024)
    let submitted = 0
    const reading = (async () => {
      for (; submitted < 20; submitted++) await appender.submit([megabyte])
    })()
    await turn()
    expect(submitted).toBe(7)
    expect(log.batches.length).toBe(8)
    log.batches[0]?.resolve()
    await turn()
    expect(submitted).toBe(8)
    for (let i = 1; i < 20; i++) {
      log.batches[i]?.resolve()
      await turn()
    }
    await reading
    await appender.drain()
    expect(appender.bytes).toBe(20 * 1024 * 1024)
  })

  test('are bounded in number even when entries are empty', async () => {
    const log = new ManualLog()
    const appender = new Appender(
      log,
      () => {},
      () => {},
    )
    let isDone = false
    void appender.submit(Array.from({ length: 500_000 }, () => Buffer.alloc(0))).then(() => {
      isDone = true
    })
    await turn()
    expect(isDone).toBe(false)
    expect(Math.max(...log.batches.map((batch) => batch.entries))).toBe(8192)
  })

  test('after one that failed none is acknowledged, and the failure comes out', async () => {
    const log = new ManualLog()
    const acknowledged: number[] = []
    let failures = 0
    const appender = new Appender(
      log,
      (index) => acknowledged.push(index),
      () => failures++,
    )
    for (const text of ['a', 'b', 'c']) await appender.submit([Buffer.from(text)])
    log.batches[0]?.resolve()
    log.batches[1]?.reject(new Error('disk full'))
    log.batches[2]?.resolve()
    await expect(appender.drain()).rejects.toThrow('disk full')
    expect(acknowledged).toEqual([1])
    expect(appender.lastIndex).toBe(1)
    expect(failures).toBeGreaterThan(0)
    await expect(appender.submit([Buffer.from('d')])).rejects.toThrow('disk full')
    expect(log.batches.length).toBe(3)
  })
})
