export { BOUNDS_BYTES, type Bounds, encodeBounds, readBounds } from './bounds.ts'
export { isWhole, seedOf } from './checks.ts'
export { FdFile } from './fd-file.ts'
export {
  type DescriptorStorage,
  type FdOptions,
  fd,
  type MakeFile,
  onDescriptors,
} from './fd-storage.ts'
export {
  type Attributes,
  CATALOG_STREAM,
  checkFrame,
  decodeAttributes,
  type EncodedAttributes,
  encodeAttributes,
  FIRST_NAMED_STREAM,
  FRAME_HEADER_BYTES,
  FrameFlag,
  FrameKind,
  frameAttributesLength,
  frameBytes,
  frameFlags,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
  frameTime,
  MAX_TRANSACTION_ID_BYTES,
  PLAIN_STREAM,
} from './frame.ts'
export {
  GROUP_HEADER_BYTES,
  GroupBuilder,
  type GroupHeader,
  type GroupStamp,
  isGroupWhole,
  readGroupHeader,
  unitBytes,
} from './group.ts'
export { encodeIndex, IndexFile, type IndexedSegment, type Row } from './index-file.ts'
export { type HolderState, LockedError } from './locked-error.ts'
export { type Remainder, searchRemainder } from './remainder.ts'
export {
  type ScannedGroup,
  type ScanRange,
  type ScanResult,
  type ScanStop,
  scanGroups,
  scanGroupsSync,
} from './scan.ts'
export { decodeSeal, encodeSeal, SEAL_BYTES, type Seal } from './seal.ts'
export {
  Begun,
  decodeSegmentHeader,
  encodeSegmentHeader,
  type Link,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-header.ts'
export { Postings, SegmentIndex, type Sample } from './segment-index.ts'
export { systemError } from './system-error.ts'
export type {
  Environment,
  Holder,
  Lock,
  NativeChecksums,
  OpenMode,
  Storage,
  StorageFile,
  Timer,
} from './storage.ts'
