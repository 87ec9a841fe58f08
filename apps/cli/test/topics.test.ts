/** The commands on topics: `append` and `read` with a topic, `topics`, `cursor`, `reclaim`. */
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { freshDirectory, PATIENT, start, walrus } from './walrus.ts'

async function filled(): Promise<(...args: string[]) => Promise<string>> {
  const dir = freshDirectory()
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await walrus([...args, '--dir', dir])
    return code === 0 ? stdout.toString() : `${code}: ${stderr}`
  }
  await walrus(['append', 'orders', '--dir', dir], { input: 'one\ntwo\nthree\n' })
  await walrus(['append', 'a/b', '--dir', dir], { input: 'x\n' })
  return run
}

it('what a cursor reads counts as read once it is written', async () => {
  const run = await filled()
  expect(await run('read', 'orders', '--peek')).toBe('one\ntwo\nthree\n')
  expect(await run('read', 'orders', '--max-bytes', '6')).toBe('one\ntwo\n')
  expect(await run('read', 'orders', '--json')).toMatch(/^{"index":2,"time":\d+,"data":"three"}\n$/)
  expect(await run('read', 'orders')).toBe('')
  expect(await run('read', 'orders', '--from', '1')).toBe('two\nthree\n')
  expect(await run('read', 'orders', '--cursor', 'mailer')).toBe('one\ntwo\nthree\n')
  expect(await run('read', 'a/b')).toBe('x\n')
})

it('a topic is followed beside its writer', async () => {
  const dir = freshDirectory()
  const writer = start(['append', 'orders', '--dir', dir, '--ack'])
  writer.child.stdin.write('one\n')
  await expect.poll(() => writer.stdout, PATIENT).toBe('0\n')
  const reader = start(['read', 'orders', '--peek', '--follow', '--dir', dir])
  await expect.poll(() => reader.stdout, PATIENT).toBe('one\n')
  writer.child.stdin.write('two\n')
  await expect.poll(() => reader.stdout, PATIENT).toBe('one\ntwo\n')
  const second = await walrus(['read', 'orders', '--dir', dir])
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('WALRUS_LOCKED')])
  writer.child.stdin.end()
  expect((await writer.ended).code).toBe(0)
  reader.child.kill('SIGKILL')
})

it('topics are listed, and their cursors made, moved and deleted', async () => {
  const run = await filled()
  await run('read', 'orders', '--max-bytes', '3')
  expect(await run('cursor', 'create', 'orders', 'mailer', '--at', 'end')).toBe('3\n')
  expect(await run('cursor', 'seek', 'orders', 'mailer', '--at', '1')).toBe('1\n')
  expect(await run('cursor', 'list', 'orders')).toBe(
    'cursor     position  unread  handed out\n(default)         1       2           0\nmailer            1       2           0\n',
  )
  const listed = await run('topics')
  expect(listed).toMatch(/^topic {3}entries  unread  bytes  per s  last append +cursors\n/)
  expect(listed).toMatch(/\norders +3 +2 +11 B +0\.1 +20\S+Z {2}mailer -2\n/)
  const json = (await run('topics', '--json')).split('\n').slice(0, -1)
  expect(json.map((line) => JSON.parse(line))).toMatchObject([
    { name: 'orders', entries: 3, unread: 2, bytes: 11 },
    { name: 'a/b', entries: 1, unread: 1, bytes: 1 },
  ])
  expect(await run('cursor', 'delete', 'orders', 'mailer')).toBe('')
  expect(await run('cursor', 'list', 'orders', '--json')).toBe(
    '{"name":"","position":1,"lag":2,"pending":0}\n',
  )
})

it('what every cursor has read is given up', async () => {
  const run = await filled()
  await run('read', 'orders')
  const dry = JSON.parse(await run('reclaim', '--dry-run', '--json'))
  expect(dry.done).toBe(false)
  expect(await run('reclaim')).toMatch(/segments? removed/)
  expect(await run('read', 'orders', '--from', '0')).toBe('')
  expect(await run('reclaim', '--dry-run')).toBe('0 segments would be removed now (0 B)\n')
})

it('an instance has a folder of its own', async () => {
  const dir = freshDirectory()
  const env = { WALRUS_DATA_DIR: dir, WALRUS_INSTANCE_KEY: '../x' }
  expect((await walrus(['append', 't'], { input: 'one\n', env })).code).toBe(0)
  expect((await walrus(['read', 't', '--peek'], { env })).stdout.toString()).toBe('one\n')
  const other = await walrus(['read', 't', '--peek'], { env: { WALRUS_DATA_DIR: dir } })
  expect(other.code).toBe(1)
  const escaped = await walrus(['read', 't', '--peek', '--dir', join(dirname(dir), 'x')])
  expect(escaped.code).toBe(1)
})

it.each([
  [['read', '--peek'], '--peek is for a topic: name one'],
  [['read', '--cursor', 'c'], '--cursor is for a topic'],
  [['read', 't', '--to', '5'], '--to is for the log itself'],
  [['read', 't', '--from', '5', '--cursor', 'c'], '--from reads without a cursor'],
  [['read', '--from', '0'], 'count from 1'],
  [['cursor', 'seek', 't'], "required option '--at <place>' not specified"],
  [['cursor', 'seek', 't', '--at', 'noon'], 'Use start, end, a position, or a time'],
  [['cursor', 'lost', 't'], "unknown command 'lost'"],
] as const)('refuses %j', async (args, why) => {
  const { code, stderr } = await walrus([...args])
  expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
})

it('a topic that is not there is named', async () => {
  const run = await filled()
  for (const args of [
    ['read', 'lost'],
    ['read', 'lost', '--peek'],
    ['cursor', 'list', 'lost'],
  ]) {
    expect(await run(...args)).toMatch(/^1: .*there is no topic "lost" in .*WALRUS_TOPIC_NOT_FOUND/)
  }
})
