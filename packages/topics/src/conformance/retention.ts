import assert from 'node:assert/strict'
import { drain, messages, type Suite } from './suite.ts'

export const retention: Suite = {
  capability: 'retention',
  tests: {
    'as many messages are kept as is said': async (_, topic) => {
      for (const message of messages(10)) await topic.append(message)
      const { end, entries } = await topic.retain({ maxEntries: 4 })
      assert.deepEqual([end, entries], [6, 6])
      assert.equal((await topic.info()).first, 6)
      assert.deepEqual(await drain(topic), messages(4, 6))
    },
    'what is unread stays, unless it is said that it may go': async (_, topic) => {
      for (const message of messages(10)) await topic.append(message)
      await topic.createCursor('slow', { position: 2 })
      assert.equal((await topic.retain({ maxEntries: 4 })).end, 2)
      assert.equal((await topic.retain({ maxEntries: 4, dropUnread: true })).end, 6)
      assert.deepEqual(await drain(topic.cursor('slow')), messages(4, 6))
    },
    'a dry run changes nothing': async (_, topic) => {
      for (const message of messages(5)) await topic.append(message)
      assert.equal((await topic.retain({ maxEntries: 1, dryRun: true })).entries, 4)
      assert.equal((await topic.info()).entries, 5)
    },
  },
}
