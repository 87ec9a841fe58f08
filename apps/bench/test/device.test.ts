import { expect, it } from 'vitest'

import { forOneSync, parseDeviceStat, perSync, writesCounted } from '../src/device.ts'

const STAT =
  '  408724    39015 12187458   322837 22194689   833995     2000  1929162        0  1162284  2959886  1643790     1672 489792432   219948       50   487938\n'

it('counts sectors of 512 bytes, and flushes', () => {
  expect(parseDeviceStat(STAT)).toEqual({ bytes: 1_024_000, flushes: 50 })
})

it('knows nothing where the kernel does not count flushes', () => {
  expect(parseDeviceStat('1 2 3 4 5 6 7 8 9 10 11\n')).toBeUndefined()
})

it('shares what was written among the flushes, or gives all of it to the only sync', () => {
  const writes = { bytes: 1_024_000, flushes: 50 }
  expect(perSync(writes)).toEqual({ deviceBytesPerSync: 20_480 })
  expect(forOneSync(writes)).toEqual({ deviceBytesPerSync: 1_024_000 })
})

it('gives no figure where nobody counts, or nothing is flushed', () => {
  expect(perSync({ bytes: 4096, flushes: 0 })).toEqual({})
  expect(perSync(undefined)).toEqual({})
  expect(forOneSync(undefined)).toEqual({})
  expect(writesCounted(undefined, [8, 1])).toBeUndefined()
})

it('takes the counts of a loop in C as sectors and flushes', () => {
  expect(writesCounted('/sys/block/vda/stat', [8, 2])).toEqual({ bytes: 4096, flushes: 2 })
})
