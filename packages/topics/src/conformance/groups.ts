import assert from 'node:assert/strict'
import { messages, type Suite, text, texts } from './suite.ts'

export const groups: Suite = {
  capability: 'groups',
  tests: {
    'each message is with one member': async (_, topic) => {
      for (const message of messages(30)) await topic.append(message)
      const group = topic.group('g')
      const seen: (string | undefined)[] = []
      const member = async (): Promise<void> => {
        for (;;) {
          const delivered = await group.next()
          if (delivered === undefined) return
          seen.push(text(delivered))
          await delivered.ack()
        }
      }
      await Promise.all([member(), member(), member()])
      assert.equal(seen.length, 30)
      assert.deepEqual(new Set(seen), new Set(messages(30)))
    },
    'what is before the floor is acknowledged': async (_, topic) => {
      for (const message of messages(3)) await topic.append(message)
      const all = await topic.group('g').read()
      await all[1]!.ack()
      assert.deepEqual(await floorOf(topic), [0, 2])
      await all[0]!.ack()
      assert.deepEqual(await floorOf(topic), [2, 1])
    },
    'what is given back comes again, and says how often': async (_, topic) => {
      await topic.append('x')
      const group = topic.group('g')
      const first = await group.next()
      assert.equal(first!.attempts, 1)
      await first!.nack()
      assert.equal((await group.next({ timeoutMs: 5_000 }))!.attempts, 2)
    },
    'what is not settled in time comes again': async (_, topic) => {
      await topic.append('x')
      const group = topic.group('g', { deadlineMs: 50 })
      const late = await group.next()
      assert.equal((await group.next({ timeoutMs: 5_000 }))!.attempts, 2)
      await assert.rejects(late!.ack())
    },
    'no more are out than may be': async (_, topic) => {
      for (const message of messages(3)) await topic.append(message)
      const group = topic.group('g', { maxPending: 2 })
      const [first] = await group.read()
      assert.equal(await group.next(), undefined)
      await first!.ack()
      assert.equal(text(await group.next({ timeoutMs: 5_000 })), 'm2')
    },
    'deliveries are counted over a restart': async (store, topic) => {
      const { name } = await topic.info()
      for (const message of messages(2)) await topic.append(message)
      const [first] = await topic.group('g').read()
      await first!.ack()
      const group = (await store.reopen()).topic(name).group('g')
      const again = await group.next({ timeoutMs: 60_000 })
      assert.deepEqual([text(again), again!.attempts], ['m1', 2])
    },
  },
}

export const deadLetters: Suite = {
  capability: 'deadLetters',
  tests: {
    'what comes back too often goes to another topic': async ({ topics }, topic) => {
      for (const message of messages(2)) await topic.append(message)
      const group = topic.group('g', { deadLetter: { topic: 'dead', after: 2 } })
      for (let n = 0; n < 2; n++) await (await group.next({ timeoutMs: 5_000 }))!.nack()
      assert.equal(text(await group.next({ timeoutMs: 5_000 })), 'm1')
      assert.deepEqual(texts(await topics.topic('dead').read()), ['m0'])
    },
  },
}

export const keyOrder: Suite = {
  capability: 'keyOrder',
  tests: {
    'messages of a key come one after the other': async (_, topic) => {
      for (const message of ['a1', 'a2', 'b1', 'a3']) await topic.append(message)
      const group = topic.group('g', { key: (message) => text(message)!.slice(0, 1) })
      const first = await group.read()
      assert.deepEqual(texts(first), ['a1', 'b1'])
      await first[0]!.ack()
      const second = await group.read()
      assert.deepEqual(texts(second), ['a2'])
    },
  },
}

async function floorOf(topic: {
  info(): Promise<{ cursors: readonly { name: string; position: number; pending: number }[] }>
}): Promise<[number, number]> {
  const group = (await topic.info()).cursors.find(({ name }) => name === 'g')
  return [group!.position, group!.pending]
}
