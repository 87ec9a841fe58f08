import assert from 'node:assert/strict'
import { type Suite, text } from './suite.ts'

export const time: Suite = {
  capability: 'time',
  tests: {
    'times never run backwards': async (_, topic) => {
      for (let n = 0; n < 20; n++) await topic.append('x')
      const times = (await topic.read({ from: 0 })).map((message) => message.time)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
    },
    'a cursor is created at, and seeks, a time': async (_, topic) => {
      await topic.append('early')
      await new Promise((resolve) => setTimeout(resolve, 20))
      await topic.append('late')
      const [, late] = await topic.read({ from: 0 })
      const cursor = await topic.createCursor('c', { time: late!.time })
      assert.equal(text(await cursor.next()), 'late')
      await cursor.seek({ time: new Date(0) })
      assert.equal(text(await cursor.next()), 'early')
      await cursor.seek({ time: Date.now() + 3_600_000 })
      assert.equal(await cursor.next(), undefined)
    },
  },
}
