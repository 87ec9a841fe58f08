import assert from 'node:assert/strict'
import { type Suite, texts } from './suite.ts'

export const producers: Suite = {
  capability: 'producers',
  tests: {
    'a message that is sent again is stored once': async (store, topic) => {
      const { name } = await topic.info()
      const id = { producer: 'p', sequence: 1 }
      const positions = await Promise.all([topic.append('x', id), topic.append('x', id)])
      assert.deepEqual(positions, [0, 0])
      assert.equal(await topic.append('y', { producer: 'p', sequence: 2 }), 1)
      assert.equal(await topic.append('x', { producer: 'q', sequence: 1 }), 2)
      const again = (await store.reopen()).topic(name)
      assert.equal(await again.append('x', id), 0)
      assert.deepEqual(texts(await again.read()), ['x', 'y', 'x'])
    },
  },
}
