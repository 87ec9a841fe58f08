/** A call of a recovery that fails: opening says so and lets go of everything, and the next one finds the same log. */

import { readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { expect, it } from 'vitest'
import { Log } from '../src/index.ts'
import { type Fault, FaultyStorage } from './faulty-storage.ts'
import { PowerModel } from './power-model.ts'
import { randomFrom } from './random.ts'
import { scratch } from './scratch.ts'
import { contentsOf, summary } from './trace.ts'
import { runWorkload, SEGMENT_BYTES } from './workload.ts'

const { fresh, copyOf } = scratch()
/** Calls of the workload, unsynced, at which the power is lost. */
const CRASHES = [33, 58, 71]

/** A log of several segments, some of them not durable, some torn. */
async function crashed(at: number): Promise<string> {
  const dir = fresh()
  const model = new PowerModel(dir)
  const fault = ({ change }: { change: number }) => (change === at ? 'stop' : undefined)
  await runWorkload(dir, new FaultyStorage({ model, fault, seed: at }), 'none')
  const left = fresh()
  model.lose(left, randomFrom(at))
  return left
}

async function contentsAfterRecovery(dir: string, storage: FaultyStorage): Promise<unknown> {
  const log = await Log.open(dir, { storage, segmentBytes: SEGMENT_BYTES })
  const found = summary(await contentsOf(log))
  await log.close()
  return found
}

it.for(CRASHES.flatMap((at) => [[at, 'EIO'] as const, [at, 'ENOSPC'] as const]))(
  'whichever it is (crash at call %i, %s)',
  async ([at, fault]) => {
    const image = await crashed(at)
    const steady = new FaultyStorage({ bootId: 'second boot' })
    const expected = await contentsAfterRecovery(copyOf(image), steady)
    const code = fault === 'EIO' ? 'WALRUS_IO' : 'WALRUS_DISK_FULL'
    const found: string[] = []
    for (const { number, kind, path } of steady.calls) {
      const dir = copyOf(image)
      const fails = (call: { number: number }): Fault | undefined =>
        call.number === number ? fault : undefined
      const storage = new FaultyStorage({ bootId: 'second boot', fault: fails })
      const open = readdirSync('/proc/self/fd').length
      const log = await Log.open(dir, { storage, segmentBytes: SEGMENT_BYTES }).catch(
        (error: unknown) => error,
      )
      const what = `call ${number}, ${kind} ${basename(path)}`
      if (log instanceof Log) await log.close().catch(() => {})
      else if (!(log instanceof WalrusError) || log.code !== code)
        found.push(`${what}: ${String(log)}`)
      if (storage.isLocked) found.push(`${what}: the lock was not released`)
      if (readdirSync('/proc/self/fd').length !== open) found.push(`${what}: files were left open`)
      storage.fault = undefined
      const again = await contentsAfterRecovery(dir, storage).catch(String)
      if (JSON.stringify(again) !== JSON.stringify(expected))
        found.push(`${what}: ${JSON.stringify(again)}`)
      rmSync(dir, { recursive: true })
    }
    expect(found).toEqual([])
  },
)
