// Logs put together by hand (src/rows/hostile*.ts): that they are what docs/format.md says, and that the row can fail.
import { SimulatedDisk } from '@walrus/storage-sim'
import { describe, expect, it } from 'vitest'
import { Counts, Plan } from '../src/plan.ts'
import { encodeFrame, encodeLog } from '../src/rows/hostile-encode.ts'
import { seedOf } from '../src/rows/hostile-layout.ts'
import { LOGS, type LogName } from '../src/rows/hostile-logs.ts'
import { type Expected, lookAt } from '../src/rows/hostile-look.ts'
import { hostile } from '../src/rows/hostile.ts'
import { DIR } from '../src/workload.ts'

/** Salt of the log in docs/format.md. */
const SALT = 0x7856_3412

async function putOnDisk(name: LogName): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  await disk.run((storage) => storage.mkdir(DIR))
  for (const [file, bytes] of encodeLog(LOGS[name]().log).files) disk.put(`${DIR}/${file}`, bytes)
  return disk
}

async function faults(name: LogName, expected: Expected): Promise<string[]> {
  return await lookAt(await putOnDisk(name), LOGS[name](), expected)
}

describe('a log put together by hand', () => {
  it('has the checks of the one in docs/format.md', () => {
    expect(seedOf(SALT)).toBe(0x6b4d_d184)
    const hello = { stream: 0, kind: 1, position: 1, flags: 0, attributes: Buffer.alloc(0) }
    const frame = encodeFrame(
      { ...hello, data: Buffer.from('hello'), forged: {} },
      seedOf(SALT),
      SALT,
    )
    expect(frame.subarray(-4).toString('hex')).toBe('4022f732')
  })

  it('reads as what was put into it', async () => {
    for (const name of ['closed', 'open', 'chain', 'proven'] as const) {
      const whole = { reads: 'all', torn: 'whole', damage: [], stale: [], bad: [] } as const
      expect(await faults(name, { ...whole, clean: name === 'closed' })).toEqual([])
    }
  })
})

describe('a promise that is not kept is told', () => {
  const broken: readonly (readonly [string, LogName, Expected, RegExp])[] = [
    ['entries that should not count', 'open', { reads: { first: 2 } }, /which do not count/],
    ['a log that should be refused', 'open', { reads: { refused: ['X'] } }, /is not refused/],
    ['a cut that is not there', 'open', { torn: { file: 'x', offset: 1 } }, /torn at/],
    ['damage that verify does not find', 'closed', { damage: [{ file: 'x' }] }, /verify finds/],
    ['an index that is not stale', 'closed', { stale: ['x'] }, /verify finds stale/],
    ['what inspect can read', 'closed', { bad: [{ file: 'x' }] }, /inspect cannot read/],
    ['a close that was none', 'proven', { clean: true }, /takes it for not closed/],
    ['more read than need be', 'open', { scanned: 1 }, /bytes of segments to open/],
  ]
  it.each(broken)('%s', async (_, name, expected, said) => {
    expect((await faults(name, expected)).join()).toMatch(said)
  })
})

it('a case that there is not is refused', async () => {
  const plan = new Plan('hostile', { case: 'none' })
  await expect(hostile.run(plan, new Counts())).rejects.toThrow(/no case none/)
})
