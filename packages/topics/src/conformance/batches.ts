import assert from 'node:assert/strict'
import { drain, messages, type Suite, texts } from './suite.ts'

export const batches: Suite = {
  capability: 'batches',
  tests: {
    'a batch gets positions that follow one another': async (_, topic) => {
      await topic.append('before')
      assert.deepEqual(await topic.appendBatch(messages(3)), [1, 2, 3])
      assert.deepEqual(await topic.appendBatch([]), [])
      assert.deepEqual(await drain(topic), ['before', ...messages(3)])
    },
    'a batch that is refused leaves nothing': async (_, topic) => {
      await assert.rejects(topic.appendBatch(['fine', 5 as never]))
      assert.equal((await topic.info()).entries, 0)
    },
    'reading many keeps to the limits, and skips nothing': async (_, topic) => {
      await topic.appendBatch(messages(50))
      const seen: (string | undefined)[] = []
      for (let most = 1; ; most++) {
        const read = await topic.read({ maxBytes: 2 * most, maxEntries: 7 })
        if (read.length === 0) break
        assert.ok(read.length <= 7)
        assert.ok(read.length === 1 || texts(read).join('').length <= 2 * most)
        seen.push(...texts(read))
      }
      assert.deepEqual(seen, messages(50))
    },
  },
}
