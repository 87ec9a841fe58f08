import assert from 'node:assert/strict'
import { drain, messages, type Suite, text } from './suite.ts'

export const cursors: Suite = {
  capability: 'cursors',
  tests: {
    'each cursor reads by itself': async (_, topic) => {
      for (const message of messages(4)) await topic.append(message)
      const [a, b] = [topic.cursor('a'), topic.cursor('b')]
      assert.equal(text(await a.next()), 'm0')
      assert.deepEqual(await drain(b), messages(4))
      assert.equal(text(await a.next()), 'm1')
      assert.equal(text(await topic.next()), 'm0')
    },
    'a cursor is created at a place': async (_, topic) => {
      for (const message of messages(4)) await topic.append(message)
      await topic.createCursor('start')
      await topic.createCursor('end', 'end')
      await topic.createCursor('second', { position: 1 })
      const { cursors: found } = await topic.info()
      assert.deepEqual(
        found.map(({ name, position, lag }) => [name, position, lag]),
        [
          ['start', 0, 4],
          ['end', 4, 0],
          ['second', 1, 3],
        ],
      )
      await assert.rejects(topic.createCursor('start'))
    },
    'a cursor seeks in both directions': async (_, topic) => {
      for (const message of messages(4)) await topic.append(message)
      const cursor = topic.cursor('c')
      await cursor.seek({ position: 2 })
      assert.equal(text(await cursor.next()), 'm2')
      await cursor.seek('start')
      assert.equal(text(await cursor.next()), 'm0')
      await cursor.seek('end')
      assert.equal(await cursor.next(), undefined)
    },
    'what was looked at is committed at once': async (_, topic) => {
      for (const message of messages(4)) await topic.append(message)
      const cursor = topic.cursor('c')
      const seen = await cursor.read({ maxEntries: 3, checkpoint: false })
      await cursor.commit(seen.at(-1)!.index + 1)
      assert.deepEqual(await drain(cursor), ['m3'])
    },
    'a deleted cursor is gone': async (_, topic) => {
      await topic.append('x')
      await topic.createCursor('c')
      await topic.deleteCursor('c')
      assert.deepEqual((await topic.info()).cursors, [])
      await assert.rejects(topic.deleteCursor('c'))
    },
  },
}
