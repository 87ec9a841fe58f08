/** Row 3 tries every byte of logs with everything in them, and notices what it must. */

import { Log } from '@walrus/log'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Counts, parsePlan } from '../src/plan.ts'
import { damage } from '../src/rows/damage.ts'
import { BLOCK_BYTES, IMAGES } from '../src/rows/damage-images.ts'
import { DIR } from '../src/workload.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

async function whatOf(text: string): Promise<string[]> {
  const { plan } = parsePlan(text, [damage])
  return (await damage.run(plan, new Counts())).map(({ what }) => what)
}

describe('the images', () => {
  it.each(Object.keys(IMAGES))('are covered to the last byte (%s)', async (name) => {
    const { make, files } = IMAGES[name]!
    const { disk, order, durable } = await make()
    expect(durable).toBeLessThanOrEqual(order.length)
    for (const [file, blocks] of Object.entries(files)) {
      const bytes = disk.files().get(`${DIR}/${file}`)!
      expect(blocks, file).toBe(Math.ceil(bytes.length / BLOCK_BYTES))
    }
  })

  it('are the same each time', async () => {
    for (const { make } of Object.values(IMAGES)) {
      expect((await make()).disk.files()).toEqual((await make()).disk.files())
    }
  })

  it('hold what they say: a clean close, a killed writer, a torn tail, a recovery', async () => {
    const found: Record<string, unknown> = {}
    for (const [name, { make }] of Object.entries(IMAGES)) {
      const log = await Log.open(DIR, { storage: (await make()).disk.process() })
      const { clean, torn, takenOver } = log.recovery
      found[name] = [clean, torn !== undefined, takenOver.groups > 0, log.stats().segments]
    }
    expect(found).toEqual({
      closed: [true, false, false, 3],
      killed: [false, false, true, 4],
      unproven: [false, false, true, 1],
      recovered: [false, false, true, 3],
    })
  })
})

describe('damage', () => {
  it.each([
    'damage image=closed file=000000000001.seg block=3',
    'damage image=closed file=000000000003.idx',
    'damage image=killed file=000000000003.seg block=9',
    'damage image=unproven file=000000000001.seg block=4',
    'damage image=recovered file=000000000002.seg block=1',
    'damage image=recovered file=TAIL change=missing',
  ])('is an error, a reported cut, or harmless (%s)', async (text) => {
    expect(await whatOf(text)).toEqual([])
  })

  it('is counted, one case for each bit and each cut', async () => {
    const counts = new Counts()
    const { plan } = parsePlan('damage image=closed file=TAIL block=0', [damage])
    await damage.run(plan, counts)
    expect(counts.faults).toBe(BLOCK_BYTES * 9)
  })

  it('that changes data unnoticed is a violation', async () => {
    const { getSync } = Log.prototype
    vi.spyOn(Log.prototype, 'entries').mockImplementation(async function* (this: Log) {
      for (let index = 1; index <= this.lastIndex; index++) {
        yield index === 2 ? getSync.call(this, 1) : getSync.call(this, index)
      }
    } as Log['entries'])
    const found = await whatOf('damage image=closed file=TAIL at=3 change=5')
    expect(found).toContain('a reader reads other data at [2]')
  })

  it('that takes durable entries, and is not reported, is a violation', async () => {
    const { lastIndex } = Object.getOwnPropertyDescriptors(Log.prototype)
    vi.spyOn(Log.prototype, 'lastIndex', 'get').mockImplementation(function (this: Log) {
      return lastIndex!.get!.call(this) - 1
    } as () => number)
    vi.spyOn(Log.prototype, 'entries').mockImplementation(async function* (this: Log) {
      for (let index = 1; index <= this.lastIndex; index++) yield this.getSync(index)
    } as Log['entries'])
    const found = await whatOf('damage image=closed file=TAIL at=3 change=5')
    expect(found).toContain('a reader sees 6 entries, of which 8 were durable')
    expect(found).toContain('a reader sees 6 entries, and says of no cut')
  })

  it('that makes it read into more memory than there is file is a violation', async () => {
    const { open } = Log
    vi.spyOn(Log, 'open').mockImplementation(async (dir, options) => {
      const file = await options!.storage!.open(`${DIR}/TAIL`, 'read')
      await file.read(new Uint8Array(80_000), 0)
      await file.close()
      return await open.call(Log, dir, options)
    })
    const found = await whatOf('damage image=closed file=TAIL at=3 change=5')
    expect(found).toContain('a reader read into a buffer of 80000 bytes')
  })

  it('that changes the files of a log it refuses is a violation', async () => {
    const { open } = Log
    vi.spyOn(Log, 'open').mockImplementation(async (dir, options) => {
      const file = await options!.storage!.open(`${DIR}/TAIL`, 'write')
      await file.truncate(0)
      await file.close()
      return await open.call(Log, dir, options)
    })
    const found = await whatOf('damage image=closed file=000000000003.seg at=0 change=5')
    expect(found).toContain('a reader was refused, and changed files')
  })
})
