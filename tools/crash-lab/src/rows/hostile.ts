/**
 * Row 3 behind the checksums: logs put into bytes as docs/format.md says, with one thing in them that cannot be, and
 * every check made right again. Whoever opens, reads, verifies or inspects that gets what docs/format.md says: an
 * error with a code, or a shorter log that is reported as such, or all of it where an index or the tail file lied;
 * never other data, and no buffer larger than the largest file.
 */

import { WalrusError } from '@walrus/codec'
import { SimulatedDisk } from '@walrus/storage-sim'
import { type Counts, matching, Plan, type Row, SEED, type Violation } from '../plan.ts'
import { choose, pick, randomFrom } from '../random.ts'
import { DIR } from '../workload.ts'
import { besideCases, sparseCases, viewCases } from './hostile-beside.ts'
import type { Case, Cases } from './hostile-case.ts'
import { catalogCases } from './hostile-catalog.ts'
import { fileCases, tailCases } from './hostile-files.ts'
import { frameCases, groupCases } from './hostile-groups.ts'
import { jsonCases } from './hostile-json.ts'
import { repairedCases } from './hostile-repaired.ts'
import { indexCases } from './hostile-indexes.ts'
import { meanwhileCases } from './hostile-meanwhile.ts'
import { sealCases, segmentCases } from './hostile-segments.ts'
import { snapshotCases } from './hostile-views.ts'
import { encodeLog } from './hostile-encode.ts'
import { type Forged, LAYOUTS, type Unit } from './hostile-layout.ts'
import { type ForgedLog, LOGS } from './hostile-logs.ts'
import { lookAt, stackOf } from './hostile-look.ts'

const CI_SEEDS = 300

export const hostile: Row = {
  name: 'hostile',
  title: 'what cannot be, with the right checksums',
  keys: { case: matching(/^\S+$/, 'the name of a case'), seed: SEED },
  run,
  *ciPlans() {
    for (const name of casesByName().keys()) yield new Plan('hostile', { case: name })
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) yield new Plan('hostile', { seed })
  },
}

let all: Cases | undefined

function casesByName(): Cases {
  if (all === undefined) {
    all = new Map()
    segmentCases(all)
    groupCases(all)
    frameCases(all)
    jsonCases(all)
    sealCases(all)
    catalogCases(all)
    tailCases(all)
    indexCases(all)
    fileCases(all)
    besideCases(all)
    viewCases(all)
    meanwhileCases(all)
    sparseCases(all)
    repairedCases(all)
    snapshotCases(all)
    all = new Map([...all].map(([name, each]) => [name.replaceAll(' ', '-'), each]))
  }
  return all
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const name = plan.text('case')
  const seed = plan.number('seed')
  if ((name === undefined) === (seed === undefined)) {
    throw new WalrusError('WALRUS_INVALID_OPTION', 'hostile takes a case, or a seed')
  }
  const given = name === undefined ? seededCase(seed!) : casesByName().get(name)
  if (given === undefined) {
    throw new WalrusError('WALRUS_INVALID_OPTION', `hostile has no case ${name}`)
  }
  if (seed !== undefined) counts.seeds++
  counts.faults++
  counts.recoveries += 2
  let faults: string[]
  try {
    faults = await faultsOf(given)
  } catch (error) {
    faults = [stackOf(error)]
  }
  const told = given.told === undefined ? '' : `${given.told.join(', ')}: `
  return faults.map((what) => ({ plan, what: told + what }))
}

async function faultsOf(given: Case): Promise<string[]> {
  const made = LOGS[given.log]()
  given.forge?.(made)
  const encoded = encodeLog(made.log)
  given.files?.(encoded.files, encoded)
  const disk = new SimulatedDisk({ seed: 1, maxCalls: 2_500 })
  await disk.run((storage) => storage.mkdir(DIR))
  for (const [file, bytes] of encoded.files) disk.put(`${DIR}/${file}`, bytes)
  if (given.look !== undefined) return await given.look(disk, made)
  const { expected } = given
  const wanted = typeof expected === 'function' ? expected(encoded, made.entries) : expected
  return await lookAt(disk, made, wanted)
}

const HOSTILE = [0, 1, 2, 3, 16, 63, 64, 191, 192, 256, 0xffff, 0x7fff_ffff, 0xffff_fffc] as const
const HOSTILE_LONG = [...HOSTILE, 2 ** 32, 2 ** 53, 2n ** 63n, 2n ** 64n - 1n] as const

/** Some fields of some unit, by chance. What comes of it need only have a code, or be right. */
function seededCase(seed: number): Case {
  const random = randomFrom(seed)
  const log = choose(random, ['closed', 'open', 'chain', 'proven'] as const)
  const told: string[] = []
  return {
    log,
    told,
    forge: (made) => {
      for (let times = 1 + pick(random, 2); times > 0; times--) {
        const units = unitsOf(made)
        const number = pick(random, units.length)
        const [kind, forged] = units[number]!
        const fields = Object.entries(LAYOUTS[kind]).filter(([field]) => field !== 'baseTime')
        const [field, [, size]] = choose(random, fields)
        const value = choose<number | bigint>(random, size === 8 ? HOSTILE_LONG : HOSTILE)
        forged[field] = value
        told.push(`${log}, unit ${number}: ${kind}.${field}=${value}`)
      }
    },
    expected: {},
  }
}

/** Every unit of a log that holds no data of its own. */
function unitsOf({ log }: ForgedLog): (readonly [Unit, Forged])[] {
  const units: (readonly [Unit, Forged])[] = []
  for (const { forged, groups, sealForged, indexForged, sealed, indexed } of log.segments) {
    units.push(['segment', forged])
    for (const group of groups) units.push(['group', group.forged])
    if (sealed) units.push(['seal', sealForged])
    if (indexed) units.push(['index', indexForged])
  }
  if (log.tail !== undefined) units.push(['tail', log.tail.newer], ['tail', log.tail.older])
  return units
}
