/** Arbitrary entries for property tests, over the whole range of every field. */

import fc from 'fast-check'
import type { Entry } from '../src/index.ts'

export function anyEntry(): fc.Arbitrary<Entry> {
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  return fc.record({
    index: u64,
    term: u64,
    data: fc.option(fc.uint8Array({ maxLength: 700, size: 'max' }), { nil: null, freq: 8 }),
    timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    transactionId: fc.oneof(
      fc.constant(''),
      fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((id) => `tx_${Buffer.from(id).toString('hex')}`),
      fc.string({ unit: 'binary', maxLength: 40 }),
    ),
  })
}
