/** Carries out a plan on a log, and has somebody note what comes of each call. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@walrus/log'
import { payloadOf } from './payload.ts'
import type { Step, Unit } from './plan.ts'

const PAUSE_MS = 6

/** Is told everything in the order it happens. */
export interface Recorder {
  /** Just before the call. */
  began(unit: Unit): void
  acknowledged(unit: Unit, indexes: readonly number[]): void
  /** What `appendSync` returned. */
  returned(unit: Unit, index: number): void
  rejected(unit: Unit, error: unknown): void
  /** `sync()`, called when `units` calls had been begun, has succeeded. */
  synced(units: number): void
  syncRejected(error: unknown): void
}

/** Whose entries they are. */
export interface Author {
  readonly seed: number
  readonly life: number
}

/** Makes the calls of one step; resolves when all are answered, whatever the answers. */
export async function drive(
  log: Log,
  { together, blocking, after }: Step,
  author: Author,
  recorder: Recorder,
): Promise<void> {
  const answered = together.map((unit) => append(log, unit, author, recorder))
  for (const unit of blocking) appendSync(log, unit, author, recorder)
  await Promise.all(answered)
  if (after === 'pause') await sleep(PAUSE_MS)
  if (after === 'sync') {
    const before = Math.max(-1, ...[...together, ...blocking].map(({ serial }) => serial)) + 1
    try {
      await log.sync()
      recorder.synced(before)
    } catch (error) {
      recorder.syncRejected(error)
    }
  }
}

async function append(log: Log, unit: Unit, author: Author, recorder: Recorder): Promise<void> {
  const data = payloadsOf(unit, author)
  recorder.began(unit)
  try {
    const target = unit.stream === '' ? log : log.stream(unit.stream)
    const indexes = unit.batch ? await target.appendBatch(data) : [await target.append(data[0]!)]
    recorder.acknowledged(unit, indexes)
  } catch (error) {
    recorder.rejected(unit, error)
  }
}

function appendSync(log: Log, unit: Unit, author: Author, recorder: Recorder): void {
  const [data] = payloadsOf(unit, author)
  recorder.began(unit)
  try {
    const target = unit.stream === '' ? log : log.stream(unit.stream)
    recorder.returned(unit, target.appendSync(data!))
  } catch (error) {
    recorder.rejected(unit, error)
  }
}

function payloadsOf({ serial, sizes }: Unit, { seed, life }: Author): Buffer[] {
  return sizes.map((size, at) => payloadOf(seed, { life, unit: serial, at, size }))
}
