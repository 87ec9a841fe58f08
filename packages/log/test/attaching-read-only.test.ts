/** Views over a log opened for reading: attached beside a writer, and brought up to date whatever that does meanwhile. */

import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import type { Attachment, Log } from '../src/index.ts'
import { snapshotsOf } from '../src/snapshot-format.ts'
import { holdingRead } from './holding-read.ts'
import { KeyView, keys, replayed } from './key-view.ts'
import { openOn } from './simulated.ts'

/** For so long a writer may keep to itself what is durable. */
const TOLD_MS = 10

async function opened(
  disk: SimulatedDisk,
  rowBytes = 0,
): Promise<{ log: Log; view: KeyView; attachment: Attachment }> {
  const log = await openOn(disk, { segmentBytes: 0x1_0000, bufferBytes: 0x1_0000 })
  const view = new KeyView('keys', rowBytes)
  return { log, view, attachment: await log.attach(view) }
}

describe('a view over a log opened for reading', () => {
  it('is restored as of a writer, and brought up to date when it is asked for', async () => {
    const disk = new SimulatedDisk()
    const writer = await opened(disk)
    await writer.view.put(writer.log, ...keys(20))
    await writer.attachment.snapshot()
    await writer.view.put(writer.log, 'key 3', 'new')
    await disk.pass(TOLD_MS)

    const reader = await openOn(disk, { readOnly: true })
    const view = new KeyView()
    const attachment = await reader.attach(view)
    expect([view.restored, view.applied]).toEqual([20, 2])
    expect(view.state).toEqual(writer.view.state)

    await writer.view.put(writer.log, 'key 4', 'newer')
    await disk.pass(TOLD_MS)
    expect(view.applied).toBe(2)
    await Promise.all([attachment.refresh(), attachment.refresh()])
    expect(view.applied).toBe(4)
    expect(view.state).toEqual(writer.view.state)
    await expect(attachment.snapshot()).rejects.toMatchObject({ code: 'WALRUS_READ_ONLY' })
    await reader.close()
    await writer.log.close()
  })

  it('goes on over snapshots, truncated ones, removed segments, and the next writer', async () => {
    const disk = new SimulatedDisk()
    let writer = await opened(disk, 9_000)
    await writer.view.put(writer.log, ...keys(10))
    await disk.pass(TOLD_MS)
    const reader = await openOn(disk, { readOnly: true })
    const view = new KeyView()
    const attachment = await reader.attach(view)
    for (let round = 0; round < 6; round++) {
      await writer.view.put(writer.log, ...keys(4, round))
      await writer.attachment.snapshot()
      if (round === 3) {
        await writer.log.close()
        writer = await opened(disk, 9_000)
      }
      await disk.pass(TOLD_MS)
      await attachment.refresh()
      expect(view.state).toEqual(writer.view.state)
      expect(view.state).toEqual(await replayed(reader))
    }
    expect(reader.stream(snapshotsOf('keys')).first).toBeGreaterThan(50)
    expect([view.restored, view.applied]).toEqual([0, 34])
    await attachment.release()
    await reader.close()
    await writer.log.close()
  })

  it('is restored from one snapshot, also when that is replaced while it is being read', async () => {
    const disk = new SimulatedDisk()
    const writer = await opened(disk, 9_000)
    await writer.view.put(writer.log, ...keys(150))
    await writer.attachment.snapshot()
    await disk.pass(TOLD_MS)
    const reader = await openOn(disk, { readOnly: true })
    const view = new KeyView()
    const stream = reader.stream(snapshotsOf('keys'))
    const { first } = stream
    // The first snapshot is half read when the second is there.
    let reads = 0
    disk.duration = ({ kind }) => (kind === 'read' && ++reads > 3 ? 1_000 : undefined)
    const attaching = reader.attach(view)
    await disk.pass(500)
    await writer.view.put(writer.log, 'key 3', 'new')
    await writer.attachment.snapshot()
    await disk.pass(TOLD_MS)
    await reader.refresh()
    expect(stream.first).toBeGreaterThan(first)
    expect(view.restored).toBe(0)
    disk.duration = () => undefined
    await attaching
    expect([view.restored, view.applied]).toEqual([151, 0])
    expect(view.state).toEqual(writer.view.state)
    await reader.close()
    await writer.log.close()
  })

  it('is restored from the newer one, when the entries behind the older one have been removed', async () => {
    const disk = new SimulatedDisk()
    const writer = await opened(disk)
    await writer.view.put(writer.log, 'a', 'b')
    await writer.attachment.snapshot()
    await disk.pass(TOLD_MS)
    const { storage, letGo } = holdingRead(disk.process())
    const reader = await openOn(disk, { readOnly: true, storage })
    const view = new KeyView()
    const attaching = reader.attach(view)
    await writer.view.put(writer.log, 'c', 'd')
    await writer.attachment.snapshot()
    await writer.log.stream('keys').truncateFront(4)
    await disk.pass(TOLD_MS)
    await reader.refresh()
    expect(reader.stream('keys').first).toBe(4)
    letGo()
    await attaching
    expect(view.state).toEqual({ a: 0, b: 1, c: 2, d: 3 })
    await reader.close()
    await writer.log.close()
  })

  it('is told when entries that it was not given have been removed, and is attached anew', async () => {
    const disk = new SimulatedDisk()
    const writer = await opened(disk)
    await writer.view.put(writer.log, 'a', 'b')
    await disk.pass(TOLD_MS)
    const reader = await openOn(disk, { readOnly: true })
    const attachment = await reader.attach(new KeyView())
    await writer.view.put(writer.log, 'c', 'd')
    await writer.attachment.snapshot()
    await writer.log.stream('keys').truncateFront(3)
    await disk.pass(TOLD_MS)
    await expect(attachment.refresh()).rejects.toMatchObject({ code: 'WALRUS_TRUNCATED_AWAY' })
    await attachment.release()
    const view = new KeyView()
    await reader.attach(view)
    expect([view.restored, view.applied]).toEqual([4, 0])
    expect(view.state).toEqual(writer.view.state)
    await reader.close()
    await writer.log.close()
  })
})
