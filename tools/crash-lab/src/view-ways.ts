/** What views and snapshots promise without any crash (rows/views.ts), one thing each; what went wrong, in words. */

import { Log } from '@walrus/log'
import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { codeOf } from './history-driver.ts'
import { KeyView, SNAPSHOTS, stateOf, STREAM } from './key-view.ts'
import { LARGE_ROW, OPTIONS } from './view-driver.ts'
import { DIR } from './workload.ts'

type Way = (storage: SimulatedStorage, disk: SimulatedDisk) => Promise<string[]>

/** A snapshot of it takes three segments. */
const ROWS = 20
/** So many rows may have been given and not be in the log: those of two commits. */
const AHEAD = 14
const SLOW_MS = 30
const LONG_MS = 400

export const WAYS: Readonly<Record<string, Way>> = {
  /** What is on its way when a view is attached is applied to it. */
  async 'on-the-way'(storage, disk) {
    const log = await Log.open(DIR, { storage, ...OPTIONS })
    disk.duration = ({ kind }) => (kind === 'durable write' ? SLOW_MS : undefined)
    const appended = log.stream(STREAM).append('a')
    const view = new KeyView(0)
    await log.attach(view)
    const found = wrong(view, ['a'])
    await appended
    await log.close()
    return found
  },

  /** Rows are asked for as the disk takes them. */
  async 'in-commits'(storage) {
    const { log, view, attachment } = await attached(storage, ROWS)
    const found: string[] = []
    view.onRow = (row) => {
      const ahead = row - log.stream(SNAPSHOTS).next
      if (ahead > AHEAD) found.push(`${ahead} rows of a snapshot are in memory`)
    }
    await attachment.snapshot()
    await log.close()
    return found
  },

  /** For a snapshot in the background there is no space: that is told, and the one before counts. */
  async 'no-space'(storage, disk) {
    const { log, view, attachment } = await attached(storage, ROWS, ROWS)
    await attachment.snapshot()
    view.onRow = (row) => {
      if (row === AHEAD)
        disk.fault = ({ kind }) => (kind === 'durable write' ? 'ENOSPC' : undefined)
    }
    await putAll(log, view, keysOf(ROWS))
    await passed(storage)
    const found: string[] = []
    const failure = codeOf(log.stats().snapshotFailure)
    if (failure !== 'WALRUS_DISK_FULL') found.push(`a snapshot without space fails with ${failure}`)
    disk.fault = undefined
    view.onRow = () => {}
    const reader = await Log.open(DIR, { storage: disk.process(), readOnly: true })
    const seen = new KeyView(0)
    await reader.attach(seen)
    found.push(...wrong(seen, [...keysOf(ROWS), ...keysOf(ROWS)]))
    if (seen.restored !== ROWS) found.push(`a reader is given ${seen.restored} rows`)
    await reader.close()
    await putAll(log, view, keysOf(ROWS))
    await passed(storage)
    const later = log.stats().snapshotFailure
    if (later !== undefined) found.push(`with space, a snapshot fails with ${String(later)}`)
    await log.close()
    return found
  },

  /** A snapshot of which a policy took the first rows is none; a view is given what is left of its stream. */
  async 'let-go'(storage, disk) {
    const { log, attachment } = await attached(storage, ROWS)
    await attachment.snapshot()
    await log.retain({ maxSegments: 1, dropClaimed: true })
    const { first, next } = log.stream(SNAPSHOTS)
    await log.close()
    const found =
      first > 0 && first < next ? [] : [`left of ${next} rows are those from ${first} on`]
    for (const readOnly of [false, true]) {
      const again = await Log.open(DIR, { storage: disk.process(), ...OPTIONS, readOnly })
      const view = new KeyView(0)
      const code = await again.attach(view).then(() => 'attached', codeOf)
      if (code !== 'attached') return [`what a policy let go is missed: ${code}`]
      if (view.restored > 0)
        found.push(`${view.restored} rows are left of a snapshot, and restored`)
      await again.close()
    }
    return found
  },
}

/** A log with a view that has so many keys. */
async function attached(storage: SimulatedStorage, count: number, snapshotEvery = 1_000) {
  const log = await Log.open(DIR, { storage, ...OPTIONS })
  const view = new KeyView(LARGE_ROW)
  const attachment = await log.attach(view, { snapshotEvery })
  await putAll(log, view, keysOf(count))
  return { log, view, attachment }
}

function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `key ${at}`)
}

/** As one. */
async function putAll(log: Log, view: KeyView, keys: readonly string[]): Promise<void> {
  const batch = log.batch()
  for (const key of keys) view.add(batch, key)
  await log.commit(batch)
}

async function passed(storage: SimulatedStorage): Promise<void> {
  await new Promise<void>((resolve) => storage.env.after(LONG_MS, resolve))
}

function wrong(view: KeyView, keys: readonly string[]): string[] {
  const must = stateOf(keys)
  return view.told === must ? [] : [`a view is ${view.told}, and must be ${must}`]
}
