import assert from 'node:assert/strict'
import { type Suite, texts } from './suite.ts'

export const deleting: Suite = {
  capability: 'deleting',
  tests: {
    'a deleted topic is gone, and one of its name begins anew': async ({ topics }, topic) => {
      const { name } = await topic.info()
      await topic.append('old')
      await topic.next()
      assert.equal(await topics.delete(name), true)
      assert.equal(await topics.delete(name), false)
      assert.deepEqual(await topics.list(), [])
      const again = topics.topic(name)
      await again.append('new')
      assert.deepEqual(texts(await again.read()), ['new'])
      assert.deepEqual((await again.info()).entries, 1)
    },
  },
}
