import assert from 'node:assert/strict'
import { type Suite, text } from './suite.ts'

export const follow: Suite = {
  capability: 'follow',
  tests: {
    'whoever waits gets the next message': async (_, topic) => {
      const waiting = topic.next({ follow: true })
      await topic.append('at last')
      assert.equal(text(await waiting), 'at last')
    },
    'a wait ends with its time, and with its signal; nothing is consumed then': async (
      _,
      topic,
    ) => {
      assert.equal(await topic.next({ timeoutMs: 20 }), undefined)
      const controller = new AbortController()
      const waiting = topic.next({ follow: true, signal: controller.signal })
      const aborted = assert.rejects(waiting, { name: 'AbortError' })
      setTimeout(() => controller.abort(), 10)
      await aborted
      await topic.append('kept')
      assert.equal(text(await topic.next()), 'kept')
    },
    'a loop goes on with what comes later': async (_, topic) => {
      await topic.append('0')
      const seen: (string | undefined)[] = []
      for await (const message of topic.consume({ follow: true })) {
        seen.push(text(message))
        if (seen.length === 3) break
        await topic.append(`${seen.length}`)
      }
      assert.deepEqual(seen, ['0', '1', '2'])
    },
  },
}
