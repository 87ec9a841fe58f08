export type { AppendOptions, BatchAppendOptions } from './appends.ts'
export { Cursor } from './cursor.ts'
export type {
  BatchOptions,
  ConsumeOptions,
  NextOptions,
  Place,
  TopicEntry,
} from './cursor-options.ts'
export { Delivery } from './delivery.ts'
export { Group } from './group.ts'
export type {
  DeadLetter,
  GroupConsumeOptions,
  GroupNextOptions,
  GroupOptions,
  GroupReadOptions,
} from './group-options.ts'
export { logDirectory } from './instance.ts'
export type { Consistency, ProducerWindow, TopicsOptions } from './options.ts'
export type { ProducerOptions } from './producing.ts'
export type { RetainOptions, TopicRetention, TopicRetentionReport } from './retention-policy.ts'
export { Topic, type TopicInfo } from './topic.ts'
export type { CursorInfo } from './topic-cursors.ts'
export { Topics } from './topics.ts'
export { TopicsTransaction, TopicWrites } from './transaction.ts'
export type { WaitOptions } from './waiting.ts'
