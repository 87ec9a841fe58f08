/** What a log tells those who watch it. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SimulatedDisk } from '@walrus/storage-sim'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Log, type Logger } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'
import { openOn, runOn } from './simulated.ts'

const dir = freshDirectory()
const listeners: (() => void)[] = []
afterEach(() => {
  for (const stop of listeners.splice(0)) stop()
})

/** The messages of a channel from now on. */
function messagesOf(name: string): Record<string, unknown>[] {
  const messages: Record<string, unknown>[] = []
  const listen = (message: unknown): void => {
    messages.push(message as Record<string, unknown>)
  }
  subscribe(`walrus:${name}`, listen)
  listeners.push(() => unsubscribe(`walrus:${name}`, listen))
  return messages
}

const TIMED = { durationMs: expect.any(Number) as number }

function recorder(): Logger & { lines: [string, string, Record<string, unknown>][] } {
  const lines: [string, string, Record<string, unknown>][] = []
  const at = (level: string) => (message: string, fields: object) => {
    lines.push([level, message, fields as Record<string, unknown>])
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

describe('on its diagnostics channels', () => {
  it('every way to append is told of, with how it ended', async () => {
    const log = await Log.open(dir())
    const messages = messagesOf('append')
    await log.append('x')
    log.appendSync('x')
    await log.appendBatch(['x', 'y', 'z'])
    await log.stream('s').append('x', { term: 1n })
    const batch = log.batch()
    batch.append('s', 'x')
    batch.append(undefined, 'x')
    await log.commit(batch)
    await log.transaction(async (transaction) => transaction.append('s', 'x'))
    const refused = await log
      .commit(batch, { expect: { stream: 's', next: 0 } })
      .catch((error: unknown) => error)
    expect(messages).toEqual(
      [1, 1, 3, 1, 2, 1, 2].map((entries, at) => ({
        ...TIMED,
        dir: dir(),
        entries,
        error: at === 6 ? refused : undefined,
      })),
    )
    await log.close()
  })

  it('appends without durability are told of, too, and give the same', async () => {
    const log = await Log.open(dir(), { durability: 'none' })
    const messages = messagesOf('append')
    expect([await log.append('x'), log.appendSync('y'), await log.append('z')]).toEqual([1, 2, 3])
    expect(messages).toHaveLength(3)
    await log.close()
  })

  it('commits, syncs, rotations and truncations are told of, and openings with what they found', async () => {
    const messages = Object.fromEntries(
      ['commit', 'sync', 'rotate', 'truncate', 'recover'].map((name) => [name, messagesOf(name)]),
    )
    const log = await Log.open(dir(), { durability: 'none', segmentBytes: 65_536 })
    await log.appendBatch(['one', 'two'])
    await log.sync()
    await log.append(new Uint8Array(60_000))
    await log.append(new Uint8Array(60_000))
    await log.truncate(1)
    expect(messages['recover']).toEqual([{ ...TIMED, dir: dir(), report: log.recovery }])
    expect(messages['commit']![0]).toEqual({
      ...TIMED,
      dir: dir(),
      lsn: 3,
      frames: 2,
      bytes: expect.any(Number) as number,
      durable: false,
    })
    expect(messages['sync']![0]).toEqual({ ...TIMED, dir: dir(), lsn: 3 })
    expect(messages['rotate']).toEqual([{ ...TIMED, dir: dir(), segment: 2 }])
    expect(messages['truncate']).toEqual([{ ...TIMED, dir: dir(), stream: '', first: 1, next: 2 }])
    await log.close()
  })

  it('a commit over several segments is one', async () => {
    const options = { segmentBytes: 65_536, transactionMemoryBytes: 65_536 }
    const log = await Log.open(dir(), options)
    const messages = messagesOf('commit')
    await log.transaction(async (transaction) => {
      for (let n = 0; n < 20; n++) transaction.append(undefined, new Uint8Array(10_000))
    })
    expect(messages).toMatchObject([{ lsn: 21, frames: 20, durable: true }])
    expect(messages[0]!['bytes']).toBeGreaterThan(200_000)
    await log.close()
  })
})

describe('to a logger', () => {
  it('the life of a log is told', async () => {
    const disk = new SimulatedDisk({ seed: 1 })
    const logger = recorder()
    await disk.run(async (storage) => {
      const log = await Log.open('/log', { storage, logger })
      await log.append('x')
      disk.losePower()
    })
    await runOn(disk, async () => {
      const log = await openOn(disk, { logger })
      await log.truncate(0)
      await log.close()
    })
    expect(logger.lines.map(([level, message]) => `${level}: ${message}`)).toEqual([
      'info: the log was opened',
      'warn: the log had not been closed, and was recovered',
      'info: a stream was truncated',
      'info: the log was closed',
    ])
    for (const [, , fields] of logger.lines) expect(fields).toMatchObject({ dir: '/log' })
  })

  it('a full disk is a warning, and what ends the writing an error', async () => {
    const disk = new SimulatedDisk({ seed: 1 })
    const logger = recorder()
    await runOn(disk, async (storage) => {
      const log = await Log.open('/log', { storage, logger })
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
      await expect(log.append('x')).rejects.toMatchObject({ code: 'WALRUS_DISK_FULL' })
      disk.fault = ({ kind }) => (kind === 'durable write' ? 'EIO' : undefined)
      await expect(log.append('x')).rejects.toMatchObject({ code: 'WALRUS_FAILED' })
      disk.fault = undefined
      await log.close().catch(() => {})
    })
    expect(logger.lines.slice(1, 3)).toMatchObject([
      ['warn', 'there is no space on the disk', { error: { code: 'WALRUS_DISK_FULL' } }],
      ['error', 'the log has failed: nothing more is written', { error: { code: 'WALRUS_IO' } }],
    ])
  })

  it('what it throws does not reach the log', async () => {
    const thrown = vi.fn<(error: unknown) => void>()
    process.prependOnceListener('uncaughtException', thrown)
    const others = process.listeners('uncaughtException').filter((each) => each !== thrown)
    for (const other of others) process.removeListener('uncaughtException', other)
    const failure = new Error('no')
    const logger: Logger = {
      ...recorder(),
      info(): void {
        throw failure
      },
    }
    const log = await Log.open(dir(), { logger })
    expect(await log.append('x')).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    for (const other of others) process.on('uncaughtException', other)
    expect(thrown).toHaveBeenCalledWith(failure, 'uncaughtException')
    logger.info = () => {}
    await log.close()
  })

  it('one that is none is refused', async () => {
    await expect(Log.open(dir(), { logger: { info() {} } as unknown as Logger })).rejects.toThrow(
      'logger must have the functions debug, info, warn, error, got an object',
    )
    await (await Log.open(dir(), { logger: { ...console, info() {} } })).close()
  })
})
