/**
 * Any sequence of calls, closings and crashes, against a `Map`: after each step the store is what the model is, and
 * after a crash what the model was behind some of the calls that were not answered, in their order.
 */

import type { Durability } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Kv } from '../src/index.ts'
import { contentsOf, DIR } from './simulated.ts'

const DURABILITIES: Durability[] = ['commit', { everyMs: 5 }, 'none']
const RUNS_EACH = 60

interface Value {
  readonly value: string
  readonly expiresAt: number
}

type Contents = ReadonlyMap<string, Value>

/** What one call makes of the contents. */
type Effect = (contents: Map<string, Value>, now: number) => void

class Model {
  /** What is acknowledged. */
  contents: Contents = new Map()
  /** Calls that were made and not answered, in order; each with the time it was made at. */
  pending: { readonly effect: Effect; readonly now: number }[] = []

  /** What it may be when only some of the calls have come to anything: none, the first, the first two, ... */
  possible(): Contents[] {
    const all = [this.contents]
    for (const { effect, now } of this.pending) {
      const next = new Map(all.at(-1))
      effect(next, now)
      all.push(next)
    }
    return all
  }

  /** All calls have been answered. */
  settle(): void {
    this.contents = this.possible().at(-1)!
    this.pending = []
  }

  visible(contents: Contents, now: number): [string, string][] {
    return [...contents]
      .filter(([, { expiresAt }]) => expiresAt === 0 || expiresAt > now)
      .map(([key, { value }]): [string, string] => [key, value])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

interface Situation {
  readonly disk: SimulatedDisk
  readonly durability: Durability
  readonly model: Model
  calls: Promise<unknown>[]
  kv: Kv
}

interface Command {
  readonly run: (now: Situation) => Promise<void>
  readonly [fc.toStringMethod]: () => string
}

function command<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (now: Situation, given: T) => void | Promise<void>,
): fc.Arbitrary<Command> {
  return arbitrary.map((given) => ({
    run: async (now) => run(now, given),
    [fc.toStringMethod]: () => `${name}(${fc.stringify(given)})`,
  }))
}

const key = fc.constantFrom('', 'a', 'ab', 'b', 'c', 'ca', 'd')
const value = fc.oneof(
  { arbitrary: fc.string({ maxLength: 20 }), weight: 4 },
  { arbitrary: fc.integer({ min: 3000, max: 30_000 }).map((size) => 'v'.repeat(size)), weight: 1 },
)
const ttl = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 4 },
  { arbitrary: fc.integer({ min: 1, max: 3000 }), weight: 1 },
)

/** As the store reads the clock: in whole milliseconds. */
function timeOf({ disk }: Pick<Situation, 'disk'>): number {
  return Math.floor(disk.now)
}

function call(now: Situation, effect: Effect, answer: Promise<unknown>): void {
  now.model.pending.push({ effect, now: timeOf(now) })
  now.calls.push(answer)
}

function setting(name: string, text: string, ttlMs: number | undefined): Effect {
  return (contents, now) => {
    contents.set(name, { value: text, expiresAt: ttlMs === undefined ? 0 : now + ttlMs })
  }
}

const set = command('set', fc.tuple(key, value, ttl), (now, [name, text, ttlMs]) => {
  const options = ttlMs === undefined ? undefined : { ttlMs }
  call(now, setting(name, text, ttlMs), now.kv.set(name, text, options))
})

const setSync = command('setSync', fc.tuple(key, value), (now, [name, text]) => {
  now.kv.setSync(name, text)
  now.model.pending.push({ effect: setting(name, text, undefined), now: timeOf(now) })
  if (now.durability !== 'none') now.model.settle()
  expect(now.kv.getSync(name)).toBe(text)
})

const remove = command('delete', key, (now, name) => {
  call(now, (contents) => void contents.delete(name), now.kv.delete(name))
})

const clear = command('clear', fc.tuple(key, key), (now, [gte, lt]) => {
  const effect: Effect = (contents) => {
    for (const name of [...contents.keys()]) if (name >= gte && name < lt) contents.delete(name)
  }
  call(now, effect, now.kv.clear({ gte, lt }))
})

const batch = command(
  'batch',
  fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 6 }),
  (now, changes) => {
    const effect: Effect = (contents) => {
      for (const [name, text] of changes) {
        if (text === undefined) contents.delete(name)
        else contents.set(name, { value: text, expiresAt: 0 })
      }
    }
    const operations = changes.map(([name, text]) =>
      text === undefined
        ? ({ type: 'delete', key: name } as const)
        : ({ type: 'set', key: name, value: text } as const),
    )
    call(now, effect, now.kv.batch(operations))
  },
)

const transaction = command(
  'transaction',
  fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 4 }),
  (now, changes) => {
    const { kv } = now
    const together = kv.log.batch()
    // Behind what the store was called for in this turn.
    const writes = kv.in(together)
    for (const [name, text] of changes) {
      writes.set(name, text)
      together.append('topic', text)
    }
    const effect: Effect = (contents) => {
      for (const [name, text] of changes) contents.set(name, { value: text, expiresAt: 0 })
    }
    call(now, effect, kv.log.commit(together))
  },
)

async function answered(now: Situation): Promise<void> {
  await Promise.all(now.calls)
  now.calls = []
  // What is called for and returned at once is not promised before.
  await now.kv.commit()
  now.model.settle()
}

const compareAndSet = command(
  'compareAndSet',
  fc.tuple(key, fc.boolean(), fc.option(value, { nil: undefined })),
  async (now, [name, holds, next]) => {
    await answered(now)
    const found = new Map(now.model.visible(now.model.contents, timeOf(now))).get(name)
    const expected = holds ? found : `not ${found?.slice(0, 10)}`
    expect(await now.kv.compareAndSet(name, expected, next)).toBe(holds)
    if (!holds) return
    const effect: Effect = (contents) => {
      if (next === undefined) contents.delete(name)
      else contents.set(name, { value: next, expiresAt: 0 })
    }
    now.model.pending.push({ effect, now: timeOf(now) })
    now.model.settle()
  },
)

const check = command('check', fc.constant(''), async (now) => {
  await answered(now)
  const visible = now.model.visible(now.model.contents, timeOf(now))
  expect(await contentsOf(now.kv)).toEqual(visible)
})

const pass = command('pass', fc.integer({ min: 1, max: 2000 }), async (now, ms) => {
  await answered(now)
  await now.disk.pass(ms)
})

const scanAcross = command('scanAcross', fc.tuple(key, value), async (now, [name, text]) => {
  await answered(now)
  const visible = now.model.visible(now.model.contents, timeOf(now))
  const scan = now.kv.entries()
  call(now, setting(name, text, undefined), now.kv.set(name, text))
  await answered(now)
  const seen: [string, string][] = []
  for await (const pair of scan) seen.push(pair)
  expect(seen).toEqual(visible)
})

const reopen = command('reopen', fc.constant(''), async (now) => {
  const closing = now.kv.close()
  await Promise.all(now.calls)
  await closing
  now.calls = []
  now.model.settle()
  await open(now)
})

const crash = command('crash', fc.tuple(fc.boolean(), fc.nat(20)), async (now, [power, ms]) => {
  for (const each of now.calls) each.catch(() => {})
  now.calls = []
  const isSynced = now.durability === 'commit'
  if (!isSynced) await answered(now)
  else await now.disk.pass(ms / 4)
  if (power && isSynced) now.disk.losePower('any')
  else now.disk.losePower('kept')
  const possible = now.model.possible()
  await open(now)
  const at = timeOf(now)
  const found = JSON.stringify(await contentsOf(now.kv))
  const same = possible.findLast(
    (contents) => JSON.stringify(now.model.visible(contents, at)) === found,
  )
  if (same === undefined) throw new Error(`after a crash it is ${found.slice(0, 500)}`)
  now.model.contents = same
  now.model.pending = []
})

async function open(now: Pick<Situation, 'disk' | 'durability'> & { kv?: Kv }): Promise<void> {
  now.kv = await Kv.open(DIR, {
    storage: now.disk.process(),
    durability: now.durability,
    segmentBytes: 65_536,
    cacheBytes: 20_000,
  })
}

const commands = fc.array(
  fc.oneof(
    { arbitrary: set, weight: 6 },
    { arbitrary: setSync, weight: 2 },
    { arbitrary: remove, weight: 3 },
    { arbitrary: batch, weight: 3 },
    { arbitrary: transaction, weight: 2 },
    { arbitrary: clear, weight: 1 },
    { arbitrary: compareAndSet, weight: 2 },
    { arbitrary: check, weight: 2 },
    { arbitrary: pass, weight: 1 },
    { arbitrary: scanAcross, weight: 1 },
    { arbitrary: reopen, weight: 1 },
    { arbitrary: crash, weight: 1 },
  ),
  { maxLength: 60, size: 'max' },
)

it.each(DURABILITIES)('any calls in any order, under %j', async (durability) => {
  const runs = fc.asyncProperty(fc.nat(1000), commands, async (seed, all) => {
    const disk = new SimulatedDisk({ seed })
    const now = { disk, durability, model: new Model(), calls: [] } as unknown as Situation
    await open(now)
    for (const each of all) await each.run(now)
    await answered(now)
    const expected = now.model.visible(now.model.contents, timeOf(now))
    expect(await contentsOf(now.kv)).toEqual(expected)
    await now.kv.close()
  })
  await fc.assert(runs, { numRuns: RUNS_EACH, endOnFailure: false })
})
