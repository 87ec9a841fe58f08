/** Entries among a view's snapshots that no writer makes (docs/format.md, "Snapshots of views"). */

import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { KeyView, SNAPSHOTS, STREAM } from '../key-view.ts'
import { DIR } from '../workload.ts'
import type { Cases } from './hostile-case.ts'
import { u32 } from './hostile-layout.ts'

/** Entries of the view's stream. */
const KEYS = ['a', 'b', 'c']

function row(rowsBefore: number): Buffer {
  return Buffer.concat([u32(1), u32(rowsBefore), Buffer.from('["a",0]')])
}

function end(rowsBefore: number, covers: number): Buffer {
  return Buffer.concat([u32(2), u32(rowsBefore), u32(covers), u32(0)])
}

/** What stands there, and the position of the entry that cannot be. */
const BAD: Readonly<Record<string, readonly [entries: readonly Buffer[], position: number]>> = {
  kind: [[Buffer.concat([u32(3), u32(0)])], 0],
  tiny: [[Buffer.alloc(3)], 0],
  'end.short': [[row(0), end(1, 1).subarray(0, 12)], 1],
  'end.long': [[Buffer.concat([end(0, 1), u32(0)])], 0],
  'end.rows': [[row(0), end(2, 1)], 1],
  'end.covers': [[end(0, KEYS.length + 1)], 0],
  'row.rows': [[row(1), end(1, 1)], 0],
  'row.end': [[end(0, 1), end(1, 1)], 0],
  'cut.rows': [[row(0), row(3)], 1],
}

export function snapshotCases(cases: Cases): void {
  for (const [name, [entries, position]] of Object.entries(BAD)) {
    cases.set(`snapshots.${name}`, {
      log: 'closed',
      look: async (disk) => await refused(disk, entries, position),
      expected: {},
    })
  }
}

/** Whoever attaches a view is told where; the log goes on. */
async function refused(
  disk: SimulatedDisk,
  entries: readonly Buffer[],
  position: number,
): Promise<string[]> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage })
    await log.stream(STREAM).appendBatch(KEYS)
    await log.stream(SNAPSHOTS).appendBatch(entries)
    await log.close()
    const found: string[] = []
    for (const readOnly of [false, true]) {
      const opened = await Log.open(DIR, { storage, readOnly })
      const error: unknown = await opened.attach(new KeyView(0)).then(
        () => 'it is restored',
        (thrown: unknown) => thrown,
      )
      const right =
        error instanceof WalrusError &&
        error.code === 'WALRUS_CORRUPT' &&
        error.file !== undefined &&
        error.index === position
      if (!right) found.push(`of a snapshot that cannot be a view is told: ${String(error)}`)
      await opened.close()
    }
    return found
  })
  return value!
}
