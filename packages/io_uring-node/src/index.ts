export type { Memory } from './binding.ts'
export { BatchError, type Outcome, UringError, UringUnsupportedError } from './errors.ts'
export { allocate } from './memory.ts'
export {
  type File,
  type FsyncOperation,
  type Linked,
  type Operation,
  type ReadOperation,
  RegisteredFile,
  type SyncOptions,
  type WriteOperation,
  type WriteOptions,
  type WritevOperation,
} from './operation.ts'
export { Ring, type RingOptions } from './ring.ts'
export { type Supported, supported } from './supported.ts'
