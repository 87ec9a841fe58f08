/**
 * Repair of damaged logs, and power lost in it: what lies before the damage is there, no byte of a segment is gone, and
 * repairing again comes to the same.
 *
 * A log of random steps, closed or killed, is damaged in one segment: a bit is flipped, a stretch zeroed, the file cut,
 * or taken away. Then it is repaired, once in peace, and once for each call that changes the disk, in which power is
 * lost.
 */

import { dirname } from 'node:path'
import { WalrusError } from '@walrus/codec'
import { Log, repair, type SalvageReport, verify } from '@walrus/log'
import { LOSSES, type LossName, SimulatedDisk } from '@walrus/storage-sim'
import { type Contents, contentsOf, same, startsWith, Trace } from '../oracle.ts'
import { type Counts, oneOf, Plan, type Row, SEED, type Violation, whole } from '../plan.ts'
import { choose, pick, type Random, randomFrom } from '../random.ts'
import { contentsForReader } from '../recovery.ts'
import { DIR, DURABILITIES, Driver, randomSteps, SEGMENT_BYTES } from '../workload.ts'

const CI_SEEDS = 400
const ZEROED = 64
const QUARANTINE = `${DIR}/quarantine`
const LOSS_NAMES = Object.keys(LOSSES) as LossName[]
const DAMAGES = ['flip', 'zero', 'cut', 'gone'] as const

type Damage = (typeof DAMAGES)[number]

export const repairs: Row = {
  name: 'repair',
  title: 'damaged logs are repaired, and power is lost meanwhile',
  keys: { seed: SEED, damage: oneOf(DAMAGES), call: whole(0, 10_000) },
  run,
  *ciPlans() {
    yield* this.longPlans(0, CI_SEEDS)
  },
  *longPlans(from, to) {
    for (let seed = from; seed < to; seed++) {
      yield new Plan('repair', { seed, damage: DAMAGES[seed % DAMAGES.length]! })
    }
  },
}

/** A log as it was, and as it is after something happened to one of its segments. */
interface Damaged {
  readonly before: Contents
  readonly disk: SimulatedDisk
  /** Whether it had been closed: then nothing may be missing that is not reported. */
  readonly closed: boolean
}

/** What a repair came to. */
interface Repaired {
  readonly salvaged: SalvageReport | undefined
  readonly contents: Contents
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const random = randomFrom((plan.number('seed') ?? 0) ^ 0x3c6ef372)
  const damage = (plan.text('damage') ?? 'flip') as Damage
  const damaged = await make(plan.number('seed') ?? 0, damage, random)
  counts.workloads++
  counts.seeds++
  counts.faults++
  const found: string[] = []
  const disk = damaged.disk.copy()
  const repaired = await repairOn(disk, damaged, found)
  if (repaired === undefined) return found.map((what) => ({ plan, what }))
  checkContents(repaired, damaged, found)
  found.push(...copyFaults(repaired, damaged.disk, disk), ...(await faultsUncopied(damaged)))
  const violations = found.map((what) => ({ plan, what }))
  const only = plan.number('call')
  for (let call = only ?? 0; violations.length === 0; call++) {
    const faults: string[] = []
    const loss = LOSS_NAMES[(call + (plan.number('seed') ?? 0)) % LOSS_NAMES.length]!
    const crashed = await crashIn(call, damaged, repaired, loss, faults)
    violations.push(...faults.map((what) => ({ plan: plan.with({ call }), what })))
    if (!crashed || only !== undefined) break
    counts.crashPoints++
    counts.recoveries++
  }
  return violations
}

async function make(seed: number, damage: Damage, random: Random): Promise<Damaged> {
  const disk = new SimulatedDisk({ seed, maxCalls: 100_000 })
  const closed = pick(random, 3) > 0
  await disk.run(async (storage) => {
    const workload = {
      durability: choose(random, Object.keys(DURABILITIES)),
      segmentBytes: SEGMENT_BYTES,
      steps: randomSteps(random, 4, 10),
    }
    const driver = new Driver(storage, new Trace(), workload)
    await driver.open()
    for (const step of workload.steps) await driver.step(step)
    if (closed) await driver.close()
    else disk.losePower('kept')
  })
  const { value: before } = await disk.copy().run((storage) => contentsForReader(storage))
  const segments = [...disk.files()].filter(([path]) => path.endsWith('.seg'))
  const [path, bytes] = choose(random, segments)
  const at = pick(random, bytes.length)
  const changed = bytes.slice()
  if (damage === 'flip') changed[at]! ^= 1 << pick(random, 8)
  if (damage === 'zero') changed.fill(0, at, at + ZEROED)
  if (damage === 'gone') disk.remove(path)
  else disk.put(path, damage === 'cut' ? changed.subarray(0, at) : changed)
  return { before: before!, disk, closed }
}

/** Repairs a log, and reads what is left; `undefined` when it was refused, because nothing could be kept. */
async function repairOn(
  disk: SimulatedDisk,
  { disk: damaged }: Damaged,
  found: string[],
): Promise<Repaired | undefined> {
  let salvaged: SalvageReport | undefined
  try {
    const outcome = await disk.run(async (storage) => {
      const report = await repair(DIR, { storage })
      if ((await storage.locked(DIR)) !== undefined) found.push('it left the lock')
      return report
    })
    salvaged = outcome.value!.salvaged
  } catch (error) {
    if (!(error instanceof WalrusError) || error.file === undefined) throw error
    if (!isKept(damaged, disk))
      found.push(`it was refused, and a segment is gone: ${error.message}`)
    return undefined
  }
  if (!isKept(damaged, disk)) found.push('bytes of a segment are gone')
  const { value: contents } = await disk.run(async (storage) => {
    const report = await verify(DIR, { storage })
    found.push(...report.damage.map(({ message }) => `it is still damaged: ${message}`))
    const log = await Log.open(DIR, { storage })
    const contents = await contentsOf(log)
    await log.append('goes on')
    await log.close()
    return contents
  })
  return { salvaged, contents: contents! }
}

function checkContents({ salvaged, contents }: Repaired, damaged: Damaged, found: string[]): void {
  const { before, closed } = damaged
  if (!startsWith(before, contents)) found.push('something else is there than before the damage')
  if (salvaged === undefined) {
    if (closed && !same(before, contents))
      found.push('entries are missing, and nothing is reported')
    return
  }
  const { lastLost } = salvaged
  const last = before.get('')?.at(-1)?.index ?? 0
  if (lastLost !== undefined && (lastLost < salvaged.firstLost || lastLost > last)) {
    found.push(`the last that is lost is said to be ${lastLost}, and ${last} was there`)
  }
  const kept = contents.get('')?.at(-1)?.index ?? 0
  if (salvaged.firstLost !== kept + 1) {
    found.push(
      `the first that is lost is said to be ${salvaged.firstLost}, and ${kept} is the last`,
    )
  }
}

/** The segment that was cut is in the quarantine folder as a whole, if it holds more than stays of it. */
function copyFaults({ salvaged }: Repaired, before: SimulatedDisk, after: SimulatedDisk): string[] {
  if (salvaged === undefined) return []
  const bytes = before.files().get(salvaged.file)!
  const aside = [...after.files()].filter(([path]) => dirname(path) === QUARANTINE)
  if (bytes.length > salvaged.offset) {
    const isThere = aside.some(([, other]) => Buffer.compare(bytes, other) === 0)
    return isThere ? [] : ['of the segment that was cut no copy is left']
  }
  const needless = aside.some(([path]) => path.endsWith('.copy'))
  return needless ? ['a segment was copied of which all stays'] : []
}

/** Where the copy cannot be made durable, nothing is cut. */
async function faultsUncopied({ disk: damaged }: Damaged): Promise<string[]> {
  const disk = damaged.copy()
  let failed = false
  disk.fault = ({ kind, path }) => {
    if (kind !== 'sync' || dirname(path) !== QUARANTINE) return undefined
    failed = true
    return 'EIO'
  }
  const code = await disk
    .run((storage) => repair(DIR, { storage }))
    .then(
      () => 'nothing',
      (error: WalrusError) => error.code,
    )
  return failed && code !== 'WALRUS_IO' ? [`its copy could not be synced, and it gave ${code}`] : []
}

/** Power is lost in a call of the repair; whether there was such a call. Repairing again must come to the same. */
async function crashIn(
  call: number,
  damaged: Damaged,
  repaired: Repaired,
  loss: LossName,
  found: string[],
): Promise<boolean> {
  const disk = damaged.disk.copy({ seed: call })
  let crashed: SimulatedDisk | undefined
  let changes = 0
  disk.fault = ({ change }) => {
    if (change === undefined || changes++ !== call) return undefined
    crashed = disk.copy({ seed: call })
    crashed.losePower(loss)
    return 'kill'
  }
  await disk.run((storage) => repair(DIR, { storage }))
  if (crashed === undefined) return false
  if (!isKept(damaged.disk, crashed)) found.push('bytes of a segment are gone after the crash')
  const again = await repairOn(crashed, damaged, found)
  if (again === undefined) found.push('it is refused after the crash')
  else if (!same(again.contents, repaired.contents))
    found.push('after the crash another log is left')
  found.push(
    ...copyFaults(repaired, damaged.disk, crashed).map((what) => `after the crash ${what}`),
  )
  return true
}

/** Whether every segment of a log is, as a whole, in some file of another disk. */
function isKept(before: SimulatedDisk, after: SimulatedDisk): boolean {
  const files = [...after.files().values()]
  return [...before.files()]
    .filter(([path]) => dirname(path) === DIR && path.endsWith('.seg'))
    .every(([, bytes]) => files.some((other) => Buffer.compare(bytes, other) === 0))
}
