export { Batch } from './batch.ts'
export { LogEntry } from './entry.ts'
export type { EntryFormat } from './entry-format.ts'
export { AbortError } from './errors.ts'
export type {
  AppendOptions,
  EntryAttributes,
  EntryInput,
  Payload,
  WaitOptions,
} from './input.ts'
export { type InspectedFrame, type InspectItem, type InspectOptions, inspect } from './inspect.ts'
export { Log, type LogStats, type Marks } from './log.ts'
export type { Durability, LogOptions, RetentionPolicy } from './options.ts'
export { ConflictError } from './precondition.ts'
export { type RepairOptions, type RepairReport, repair } from './repair.ts'
export type { RecoveryReport, SalvageReport } from './report.ts'
export type {
  Claim,
  ClaimInTheWay,
  Need,
  RetainOptions,
  RetentionReport,
  RetiredRange,
} from './retention-policy.ts'
export { type EntriesOptions, type ReadOptions, Stream } from './stream.ts'
export { Transaction, type TransactionEntryOptions, type TransactionState } from './transaction.ts'
export type { BeginOptions } from './transactions.ts'
export { type Damage, type VerifyOptions, type VerifyReport, verify } from './verify.ts'
export type { AttachOptions, Attachment, View } from './view.ts'
export type {
  CommitOptions,
  CommitPart,
  Expectation,
  StreamTarget,
  WriteSet,
} from './write-set.ts'
export type {
  AppendMessage,
  CommitMessage,
  Logger,
  LogMessage,
  RecoverMessage,
  RotateMessage,
  SyncMessage,
  TruncateMessage,
} from './watch.ts'
