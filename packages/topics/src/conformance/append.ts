import assert from 'node:assert/strict'
import { drain, messages, type Suite, text, texts } from './suite.ts'

export const append: Suite = {
  capability: 'append',
  tests: {
    'positions count from 0, and messages come in their order': async (_, topic) => {
      for (const [at, message] of messages(20).entries()) {
        assert.equal(await topic.append(message), at)
      }
      assert.deepEqual(await drain(topic), messages(20))
      assert.equal(await topic.next(), undefined)
    },
    'a topic appears with its first message': async ({ topics }, topic) => {
      assert.deepEqual(await topics.list(), [])
      assert.equal(await topic.next(), undefined)
      await topic.append('x')
      assert.deepEqual(await topics.list(), [(await topic.info()).name])
    },
    'bytes come back as they were, also none': async (_, topic) => {
      const all = Uint8Array.from({ length: 256 }, (_value, byte) => byte)
      await topic.append(all)
      await topic.append('')
      assert.deepEqual(Uint8Array.from((await topic.next())!.data), all)
      assert.equal((await topic.next())!.data.length, 0)
    },
    'looking moves nothing': async (_, topic) => {
      for (const message of messages(3)) await topic.append(message)
      for (let n = 0; n < 3; n++) {
        assert.equal(text(await topic.peek()), 'm0')
        assert.equal(text(await topic.next({ checkpoint: false })), 'm0')
        assert.deepEqual(texts(await topic.read({ from: 1 })), ['m1', 'm2'])
      }
      assert.equal((await topic.info()).unread, 3)
    },
    'topics know nothing of one another': async ({ topics }, topic) => {
      await topic.append('here')
      await topics.topic('another').append('there')
      assert.deepEqual(await drain(topic), ['here'])
      assert.deepEqual(await drain(topics.topic('another')), ['there'])
    },
    'messages of many callers at once all arrive': async (_, topic) => {
      const positions = await Promise.all(messages(100).map((each) => topic.append(each)))
      assert.deepEqual(new Set(positions).size, 100)
      assert.deepEqual(new Set(await drain(topic)), new Set(messages(100)))
    },
    'counts are right': async (_, topic) => {
      for (const message of ['one', 'two', 'three']) await topic.append(message)
      await topic.next()
      const { first, end, entries, bytes } = await topic.info()
      assert.deepEqual({ first, end, entries, bytes }, { first: 0, end: 3, entries: 3, bytes: 11 })
    },
  },
}
