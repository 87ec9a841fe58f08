/** Row 4 fails every call of a workload, and notices a log that does not tell, or goes on regardless. */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import type { CallKind } from '@walrus/storage-sim'
import { SimulatedDisk } from '@walrus/storage-sim'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Counts, Plan, parsePlan } from '../src/plan.ts'
import { BLOCK_CALLS, BLOCKS, fail } from '../src/rows/fail.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const STEPS = 'append:10,sync,append:70000,appendSync:41,reopen,batch:2000'

async function whatOf(text: string): Promise<string[]> {
  const { plan } = parsePlan(text, [fail])
  return (await fail.run(plan, new Counts())).map(({ what }) => what)
}

describe('each call that fails', () => {
  it.each([
    ['EIO', 'none'],
    ['ENOSPC', 'interval'],
    ['gone', 'commit'],
    ['full', 'none'],
    ['cut', 'interval'],
  ])('is told (%s, %s)', async (fault, durability) => {
    expect(await whatOf(`fail steps=${STEPS} durability=${durability} fault=${fault}`)).toEqual([])
  })

  it('is of every kind that changes a disk', async () => {
    const kinds = new Set<CallKind>()
    const fault = Object.getOwnPropertyDescriptor(SimulatedDisk.prototype, 'fault')!
    vi.spyOn(SimulatedDisk.prototype, 'fault', 'set').mockImplementation(function (
      this: SimulatedDisk,
      decide,
    ) {
      fault.set!.call(
        this,
        decide &&
          ((call: Parameters<typeof decide>[0]) => {
            const decided = decide(call)
            if (decided !== undefined) kinds.add(call.kind)
            return decided
          }),
      )
    })
    await whatOf(`fail steps=${STEPS} durability=commit fault=EIO`)
    for (const kind of [
      'create',
      'write',
      'durable write',
      'sync',
      'truncate',
      'rename',
      'mkdir',
      'sync directory',
      'open',
      'read',
      'list',
    ]) {
      expect(kinds).toContain(kind)
    }
  })

  it('is tried in CI, to the last one', async () => {
    const plans = [...fail.ciPlans()].map(({ values }) => values)
    for (const durability of ['commit', 'interval', 'none']) {
      const ofGone = plans.filter((each) => each.durability === durability && each.fault === 'gone')
      expect(ofGone.map(({ block }) => Number(block))).toEqual([...Array(BLOCKS).keys()])
      const last = new Counts()
      await fail.run(new Plan('fail', { ...ofGone.at(-1) }), last)
      expect(last.faults).toBeLessThan(BLOCK_CALLS)
    }
  })

  it('is counted', async () => {
    const counts = new Counts()
    await fail.run(new Plan('fail', { steps: 'none', durability: 'commit', fault: 'gone' }), counts)
    expect(counts.faults).toBeGreaterThan(20)
    expect(counts.recoveries).toBe(counts.faults)
  })
})

describe('a log', () => {
  const text = `fail steps=${STEPS} durability=commit fault=EIO`

  it('that says that all is well when it has failed is noticed', async () => {
    const { close } = Log.prototype
    vi.spyOn(Log.prototype, 'close').mockImplementation(async function (this: Log) {
      await close.call(this).catch(() => {})
    })
    expect(await whatOf(text)).toContainEqual(
      expect.stringContaining('close said that all was well'),
    )
  })

  it('that tells another cause each time is noticed', async () => {
    const { append } = Log.prototype
    vi.spyOn(Log.prototype, 'append').mockImplementation(async function (this: Log, data) {
      return await append.call(this, data).catch((error: WalrusError) => {
        const cause = new WalrusError('WALRUS_IO', 'another')
        throw new WalrusError(error.code, error.message, { cause })
      })
    })
    expect(await whatOf(text)).toContainEqual(expect.stringContaining('another cause'))
  })

  it('that acknowledges what it could not write is noticed', async () => {
    const { append } = Log.prototype
    vi.spyOn(Log.prototype, 'append').mockImplementation(async function (this: Log, data) {
      const next = this.lastIndex + 1
      return await append.call(this, data).catch(() => next)
    })
    expect(await whatOf(text)).toContainEqual(expect.stringContaining('was acknowledged as'))
  })

  it('that takes nothing more after a full disk is noticed', async () => {
    const { append } = Log.prototype
    let full: unknown
    vi.spyOn(Log.prototype, 'append').mockImplementation(async function (this: Log, data) {
      if (full !== undefined) throw full
      return await append.call(this, data).catch((error: unknown) => {
        full = error
        throw error
      })
    })
    const found = await whatOf(`fail steps=append:10,append:11 durability=commit fault=full`)
    expect(found).toContainEqual(expect.stringContaining('it takes no more'))
  })
})
