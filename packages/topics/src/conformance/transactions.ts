import assert from 'node:assert/strict'
import { messages, type Suite, text, texts } from './suite.ts'

export const transactions: Suite = {
  capability: 'transactions',
  tests: {
    'messages and moves of cursors are there together': async ({ topics }, topic) => {
      for (const message of messages(2)) await topic.append(message)
      const cursor = topic.cursor('c')
      await topics.transaction(async (transaction) => {
        const message = await transaction.next(cursor)
        transaction.append('out', `of ${text(message)}`)
        transaction.append('log', 'done')
      })
      assert.deepEqual(texts(await topics.topic('out').read()), ['of m0'])
      assert.deepEqual(texts(await topics.topic('log').read()), ['done'])
      assert.equal(text(await topic.cursor('c').next()), 'm1')
    },
    'or not at all': async ({ topics }, topic) => {
      await topic.append('m0')
      const cursor = topic.cursor('c')
      const failing = topics.transaction(async (transaction) => {
        await transaction.next(cursor)
        transaction.append('out', 'never')
        throw new Error('changed my mind')
      })
      await assert.rejects(failing, /changed my mind/)
      assert.equal((await topics.topic('out').info()).entries, 0)
      assert.equal(text(await topic.cursor('c').next()), 'm0')
    },
  },
}
