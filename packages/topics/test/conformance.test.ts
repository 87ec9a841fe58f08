/** The kit that other implementations are put through: ours passes all of it, and the kit can fail. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  CAPABILITIES,
  conformance,
  type Manifest,
  type MessageTopics,
  type Store,
} from '../src/conformance/index.ts'
import { Topics } from '../src/index.ts'
import { QUIET } from './simulated.ts'

const ALL: Manifest = Object.fromEntries(CAPABILITIES.map((capability) => [capability, true]))

async function open(wrap: (topics: Topics) => MessageTopics = (topics) => topics): Promise<Store> {
  const dir = mkdtempSync(join(tmpdir(), 'walrus-conformance-'))
  let topics = await Topics.open(dir, { logger: QUIET })
  return {
    topics: wrap(topics),
    async reopen() {
      await topics.close()
      topics = await Topics.open(dir, { logger: QUIET })
      return wrap(topics)
    },
    async remove() {
      await topics.close()
      rmSync(dir, { recursive: true })
    },
  }
}

describe('topics of this package', () => {
  conformance({
    manifest: ALL,
    open: () => open(),
    test: it,
    notRun: it.skip,
  })
})

describe('the kit', () => {
  it('reports what is not declared as not run', () => {
    const tests: string[] = []
    const notRun: string[] = []
    conformance({
      manifest: { append: true, groups: false },
      open: () => open(),
      test: (name) => tests.push(name),
      notRun: (name) => notRun.push(name),
    })
    expect(new Set(tests.map((name) => name.split(':')[0]))).toEqual(new Set(['append']))
    const others = CAPABILITIES.filter((capability) => capability !== 'append')
    expect(new Set(notRun.map((name) => name.split(':')[0]))).toEqual(new Set(others))
  })

  it.each<[string, (topics: Topics) => void]>([
    [
      'looking moves nothing',
      (topics) => {
        const topic = topics.topic('topic under test')
        topic.peek = () => topic.next()
      },
    ],
    [
      'a message that is sent again is stored once',
      (topics) => {
        const topic = topics.topic('topic under test')
        const { append } = topic
        topic.append = (data) => append.call(topic, data)
      },
    ],
    [
      'a deleted topic is gone',
      (topics) => {
        topics.delete = () => Promise.resolve(true)
      },
    ],
  ])('fails an implementation where it is not so that %s', async (name, breakIt) => {
    const runs: (() => Promise<void>)[] = []
    conformance({
      manifest: ALL,
      open: () =>
        open((topics) => {
          breakIt(topics)
          return topics
        }),
      test: (title, run) => {
        if (title.includes(name)) runs.push(run)
      },
      notRun: () => {},
    })
    expect(runs).toHaveLength(1)
    await expect(runs[0]!()).rejects.toMatchObject({ code: 'ERR_ASSERTION' })
  })
})
