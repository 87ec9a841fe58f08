/** Where there is no native code: a clear error, and another storage. */

import { describe, expect, it, vi } from 'vitest'

vi.mock('@walrus/mmap-io', () => ({
  supported: () => ({ ok: false, reason: 'no compiler was found' }),
  crc32: () => 0,
  crc32Each: () => {},
}))

describe('without the native part', () => {
  it('mmap says why, and what to use', async () => {
    const { mmap } = await import('../src/index.ts')
    expect(() => mmap()).toThrow(expect.objectContaining({ code: 'WALRUS_NATIVE_MISSING' }))
    expect(() => mmap()).toThrow(/no compiler was found.*fd\(\)/)
  })

  it('auto takes the one on plain Node, and says why', async () => {
    const { auto } = await import('../src/index.ts')
    expect(auto({ zeroAhead: false })).toMatchObject({
      storage: { name: 'fd', zeroAhead: false },
      passedOver: [{ name: 'mmap', reason: 'no compiler was found' }],
    })
  })
})
