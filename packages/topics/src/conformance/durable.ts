import assert from 'node:assert/strict'
import { drain, messages, type Suite, text } from './suite.ts'

export const durable: Suite = {
  capability: 'durable',
  tests: {
    'messages and cursors are there when it is opened again': async (store, topic) => {
      const { name } = await topic.info()
      for (const message of messages(5)) await topic.append(message)
      await topic.next()
      await topic.cursor('c').seek({ position: 3 })
      const again = (await store.reopen()).topic(name)
      assert.equal(await again.append('m5'), 5)
      assert.equal(text(await again.next()), 'm1')
      assert.deepEqual(await drain(again.cursor('c')), messages(3, 3))
      assert.equal((await again.info()).bytes, 12)
    },
    'polling at the end moves nothing': async (store, topic) => {
      const { name } = await topic.info()
      await topic.append('m0')
      await topic.next()
      for (let n = 0; n < 5; n++) assert.equal(await topic.next(), undefined)
      const again = (await store.reopen()).topic(name)
      assert.equal(await again.next(), undefined)
      assert.equal((await again.info()).unread, 0)
    },
  },
}
