/** The shape of a part of the kit: the tests of one capability. */

import type { MessageTopic, MessageTopics } from './interface.ts'

/** What an implementation may declare. `append` is what makes it one. */
export type Capability =
  | 'append'
  | 'batches'
  | 'cursors'
  | 'time'
  | 'follow'
  | 'durable'
  | 'groups'
  | 'deadLetters'
  | 'keyOrder'
  | 'producers'
  | 'transactions'
  | 'retention'
  | 'deleting'

/** What an implementation does; what is not named, it does not. */
export type Manifest = Readonly<Partial<Record<Capability, boolean>>>

/** A store of its own for one test. */
export interface Store {
  readonly topics: MessageTopics
  /** Closes the topics and opens the same store again. */
  reopen(): Promise<MessageTopics>
  /** Closes what is open, and removes the store. */
  remove(): Promise<void>
}

export interface Suite {
  readonly capability: Capability
  /** By what they show. */
  readonly tests: Readonly<Record<string, (store: Store, topic: MessageTopic) => Promise<void>>>
}

export function text(message: { readonly data: Uint8Array } | undefined): string | undefined {
  return message === undefined ? undefined : Buffer.from(message.data).toString()
}

export function texts(messages: readonly { readonly data: Uint8Array }[]): (string | undefined)[] {
  return messages.map(text)
}

/** `m0`, `m1`, … */
export function messages(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `m${from + at}`)
}

/** Everything that comes next, one after the other. */
export async function drain(from: {
  next(): Promise<{ readonly data: Uint8Array } | undefined>
}): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = []
  for (;;) {
    const message = await from.next()
    if (message === undefined) return all
    all.push(text(message))
  }
}
