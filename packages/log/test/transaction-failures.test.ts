/** A call that fails in a transaction's commit: the log goes on, or is recovered, with all of it or nothing. */

import { WalrusError } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { type Durability, Log } from '../src/index.ts'
import { numbered } from './payloads.ts'
import {
  DIR,
  faults,
  options,
  type Progress,
  type Shape,
  SHAPES,
  workload,
} from './transaction-crash.ts'

const EACH = Object.keys(SHAPES).flatMap((shape) =>
  (['commit', { everyMs: 5 }, 'none'] as const).map((durability) => [shape, durability] as const),
)

/** The calls in which a fault is of interest: from the first of a transaction to the log's end. */
async function callsOf(durability: Durability, shape: Shape): Promise<[number, number]> {
  const disk = new SimulatedDisk()
  const progress: Progress = { stage: 'before' }
  let first = 0
  disk.fault = () => {
    if (progress.stage === 'before') first = disk.calls
    return undefined
  }
  await disk.run((storage) => workload(storage, durability, shape, progress))
  return [first, disk.calls]
}

describe.each(EACH)('a transaction that is %s, under %j', (name, durability) => {
  const shape = SHAPES[name]!

  it('is there as a whole or not at all, whichever call fails', async () => {
    const [first, last] = await callsOf(durability, shape)
    expect(last - first).toBeGreaterThan(5)
    for (let at = first; at < last; at++) {
      const disk = new SimulatedDisk()
      const progress: Progress = { stage: 'before' }
      disk.fault = ({ number }) => (number === at ? 'EIO' : undefined)
      try {
        await disk.run((storage) => workload(storage, durability, shape, progress))
      } catch (error) {
        expect(error, `call ${at}`).toBeInstanceOf(WalrusError)
      }
      disk.fault = undefined
      disk.losePower('kept')
      const binding = durability === 'commit'
      expect(await faults(disk, shape, progress, binding), `call ${at}`).toEqual([])
    }
  })

  it('goes in when it is tried again, whichever call found no space', async () => {
    const [first, last] = await callsOf(durability, shape)
    let refused = 0
    for (let at = first; at < last; at++) {
      const disk = new SimulatedDisk()
      const progress: Progress = { stage: 'before' }
      disk.fault = ({ number, change, kind }) =>
        number === at && change !== undefined && kind !== 'remove' ? 'ENOSPC' : undefined
      let failed = false
      const again = async <T>(call: () => T | Promise<T>): Promise<T> => {
        try {
          return await call()
        } catch (error) {
          if ((error as WalrusError).code !== 'WALRUS_DISK_FULL') throw error
          refused++
          return await call()
        }
      }
      try {
        await disk.run((storage) => workload(storage, durability, shape, progress, again))
      } catch (error) {
        // The sync of what has its name already is final; and closing may find no space.
        const { code } = error as WalrusError
        const closing = code === 'WALRUS_DISK_FULL' && progress.stage === 'after'
        if (!closing) expect(code, `call ${at}`).toBe('WALRUS_FAILED')
        failed = !closing
      }
      disk.fault = undefined
      if (!failed) {
        expect(progress.stage).toBe('after')
        const names = [...disk.files().keys()]
        const left = names.filter((path) => /\.(seg\.\d+\.new|tmp)$/.test(path))
        expect(left, `call ${at}`).toEqual([])
      }
      const found = await faults(disk, shape, progress, !failed)
      expect(found, `call ${at}`).toEqual([])
    }
    expect(refused).toBeGreaterThan(0)
  })
})

describe('a disk that is full', () => {
  it('refuses what a transaction cannot keep or commit, and leaves the rest alone', async () => {
    const disk = new SimulatedDisk()
    await disk.run(async (storage) => {
      const log = await Log.open(DIR, { storage, ...options })
      await log.append('before')
      const transaction = log.begin()
      const told: string[] = []
      transaction.join({
        sequenced: () => void told.push('sequenced'),
        failed: () => void told.push('failed'),
      })
      for (let n = 0; n < 2; n++) transaction.add(numbered(n, 30_000))
      const full = { code: 'WALRUS_DISK_FULL' }
      disk.capacity = 0
      expect(() => transaction.add(numbered(2, 30_000))).toThrow(expect.objectContaining(full))
      expect(transaction.count).toBe(2)
      disk.capacity = 1_000_000
      for (let n = 2; n < 20; n++) transaction.add(numbered(n, 30_000))
      // Room for its file and not for its segments.
      const refused = transaction.commit()
      const behind = log.append('behind')
      await expect(refused).rejects.toMatchObject(full)
      expect([await behind, transaction.state, transaction.count, told]).toEqual([
        2,
        'pending',
        20,
        [],
      ])
      disk.capacity = Number.POSITIVE_INFINITY
      expect(await transaction.commit()).toEqual(Array.from({ length: 20 }, (_, at) => at + 3))
      expect(told).toEqual(['sequenced'])
      for (let n = 0; n < 20; n++) expect((await log.get(n + 3)).data).toEqual(numbered(n, 30_000))
      await log.close()
    })
  })
})
