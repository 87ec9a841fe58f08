/** Where io_uring is forbidden: a clear error, and another storage. */

import { expect, it, vi } from 'vitest'

vi.mock('@walrus/io_uring-node', () => ({
  supported: () => ({
    ok: false,
    code: 'WALRUS_URING_UNSUPPORTED',
    reason: 'kernel.io_uring_disabled is 2',
  }),
  Ring: class {},
  allocate: () => new Uint8Array(0),
}))

it('uring says why, and what can be used', async () => {
  const { uring } = await import('../src/index.ts')
  expect(() => uring()).toThrow(expect.objectContaining({ code: 'WALRUS_URING_UNSUPPORTED' }))
  expect(() => uring()).toThrow(/io_uring_disabled is 2.*mmap\(\)/)
})

it('auto takes the next best, and says why', async () => {
  const { auto } = await import('../src/index.ts')
  const { storage, passedOver } = auto({ align: 4096, zeroAhead: false })
  expect(storage).toMatchObject({ name: 'mmap', align: 1, zeroAhead: false })
  expect(passedOver).toEqual([
    { name: 'uring', reason: expect.stringContaining('io_uring_disabled is 2') },
  ])
})
