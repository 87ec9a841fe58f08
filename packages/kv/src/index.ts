export type {
  KeyEncodings,
  KeyInput,
  ValueEncodings,
  ValueInputs,
} from './encoding.ts'
export type { ExpiryOptions } from './expiry-options.ts'
export type { AsyncScan } from './iterators.ts'
export { Kv, type KvOf, type KvStats, type SetOptions } from './kv.ts'
export type { KvOperation } from './operations.ts'
export type { KvOptions, OwnLogOptions } from './options.ts'
export type { KeyRange, ScanOptions } from './range.ts'
export type { KvEntry } from './reads.ts'
export type { KvSnapshot } from './snapshot.ts'
export type { KvChange, WatchOptions } from './watch.ts'
export type { KvWrites } from './writes.ts'
