/**
 * The conformance kit: what topics are to do, as tests that any implementation of the interface can be put through, by
 * any test runner.
 */

import { append } from './append.ts'
import { batches } from './batches.ts'
import { cursors } from './cursors.ts'
import { deleting } from './deleting.ts'
import { durable } from './durable.ts'
import { follow } from './follow.ts'
import { deadLetters, groups, keyOrder } from './groups.ts'
import { producers } from './producers.ts'
import { retention } from './retention.ts'
import type { Capability, Manifest, Store, Suite } from './suite.ts'
import { time } from './time.ts'
import { transactions } from './transactions.ts'

export type {
  ConsumerGroup,
  ConsumerGroupOptions,
  Content,
  CursorState,
  Delivered,
  DurableCursor,
  Message,
  MessageId,
  MessageTopic,
  MessageTopics,
  MessageTransaction,
  PlaceInTopic,
  TopicState,
} from './interface.ts'
export type { Capability, Manifest, Store } from './suite.ts'

const SUITES: readonly Suite[] = [
  append,
  batches,
  cursors,
  time,
  follow,
  durable,
  groups,
  deadLetters,
  keyOrder,
  producers,
  transactions,
  retention,
  deleting,
]

/** Every capability there are tests of. */
export const CAPABILITIES: readonly Capability[] = SUITES.map(({ capability }) => capability)

export interface Kit {
  /** What the implementation declares. */
  readonly manifest: Manifest
  /** A store of its own, empty, for one test. */
  readonly open: () => Promise<Store>
  /** Registers a test: `it` of vitest, `test` of node:test. It has passed when the promise resolves. */
  readonly test: (name: string, run: () => Promise<void>) => void
  /** Is told of each test that is not run, since its capability is not declared: `it.skip`, say. */
  readonly notRun: (name: string) => void
}

/** Registers the tests of all capabilities: those declared to be run, the others as not run. */
export function conformance({ manifest, open, test, notRun }: Kit): void {
  for (const { capability, tests } of SUITES) {
    for (const [name, run] of Object.entries(tests)) {
      const title = `${capability}: ${name}`
      if (manifest[capability] !== true) {
        notRun(title)
        continue
      }
      test(title, async () => {
        const store = await open()
        try {
          await run(store, store.topics.topic('topic under test'))
        } finally {
          await store.remove()
        }
      })
    }
  }
}
