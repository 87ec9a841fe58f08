/**
 * What code that uses topics may count on, wherever they are: `Topics` of this package is one implementation, and the
 * interface has what a distributed engine has, too. In the words of NATS JetStream: a topic is a stream, a position its
 * sequence, a cursor a durable consumer, a group's floor the ack floor, and producer and sequence the message id.
 *
 * Everything that needs an answer from elsewhere is asynchronous. What an implementation does not do, it does not
 * declare (`Manifest`); such members are never called.
 */

/** A message, as it is stored. */
export interface Message {
  /** Its position in the topic: from 0, without gaps. */
  readonly index: number
  readonly data: Uint8Array
  /** When it was stored, in milliseconds since the Unix epoch; never less than an earlier one's. */
  readonly time: number
}

export type Content = Uint8Array | string

export interface MessageId {
  readonly producer?: string
  readonly sequence?: number
}

export type PlaceInTopic =
  | 'start'
  | 'end'
  | { readonly position: number }
  | { readonly time: number | Date }

export interface DurableCursor {
  readonly name: string
  next(options?: {
    readonly checkpoint?: boolean
    readonly follow?: boolean
    readonly signal?: AbortSignal
    readonly timeoutMs?: number
  }): Promise<Message | undefined>
  peek(): Promise<Message | undefined>
  read(options?: {
    readonly maxBytes?: number
    readonly maxEntries?: number
    readonly checkpoint?: boolean
    readonly from?: number
  }): Promise<readonly Message[]>
  consume(options?: {
    readonly follow?: boolean
    readonly signal?: AbortSignal
  }): AsyncIterable<Message>
  commit(position?: number): Promise<void>
  seek(place: PlaceInTopic): Promise<void>
}

export interface Delivered {
  readonly index: number
  readonly data: Uint8Array
  /** How often it was delivered, this time included. */
  readonly attempts: number
  ack(): Promise<void>
  nack(delayMs?: number): Promise<void>
  extend(deadlineMs?: number): Promise<void>
}

export interface ConsumerGroup {
  next(options?: {
    readonly follow?: boolean
    readonly signal?: AbortSignal
    readonly timeoutMs?: number
  }): Promise<Delivered | undefined>
  read(options?: { readonly maxEntries?: number }): Promise<readonly Delivered[]>
}

export interface ConsumerGroupOptions {
  readonly deadlineMs?: number
  readonly maxPending?: number
  readonly deadLetter?: { readonly topic: string; readonly after: number }
  readonly key?: (entry: Message) => string
}

export interface CursorState {
  readonly name: string
  readonly position: number
  readonly lag: number
  readonly pending: number
}

export interface TopicState {
  readonly name: string
  readonly first: number
  /** The position the next message gets. */
  readonly end: number
  readonly entries: number
  readonly unread: number
  readonly bytes: number
  readonly cursors: readonly CursorState[]
}

export interface MessageTopic extends Omit<DurableCursor, 'commit' | 'seek'> {
  append(data: Content, options?: MessageId): Promise<number>
  appendBatch(entries: readonly Content[], options?: MessageId): Promise<readonly number[]>
  cursor(name?: string): DurableCursor
  createCursor(name: string, place?: PlaceInTopic): Promise<DurableCursor>
  deleteCursor(name: string): Promise<void>
  group(name: string, options?: ConsumerGroupOptions): ConsumerGroup
  retain(policy: {
    readonly maxBytes?: number
    readonly maxEntries?: number
    readonly dropUnread?: boolean
    readonly dryRun?: boolean
  }): Promise<{ readonly end: number; readonly entries: number; readonly bytes: number }>
  info(): Promise<TopicState>
}

/** What is committed together. */
export interface MessageTransaction {
  append(topic: string, entry: Content): void
  next(cursor: DurableCursor): Promise<Message | undefined>
}

export interface MessageTopics {
  topic(name: string): MessageTopic
  list(): readonly string[] | Promise<readonly string[]>
  /** Whether there was one. */
  delete(name: string): Promise<boolean>
  transaction<T>(run: (transaction: MessageTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}
