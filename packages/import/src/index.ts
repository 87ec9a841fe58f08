export { type Finding, Findings } from './findings.ts'
export { readGoLog } from './go-log.ts'
export { readKvStore } from './kv-store.ts'
export { RustTopics, type TopicEntry, type TopicState } from './rust-topics.ts'
export type { SourceEntry, SourcePlace } from './source.ts'
export { lookInto, type SourceDirectory, type SourceFormat } from './source-directory.ts'
export {
  importDirectory,
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
  type SourceProgress,
} from './import-directory.ts'
export { exportGoLog, exportKvStore, type ExportOptions } from './export.ts'
