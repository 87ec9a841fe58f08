/**
 * Each site left out of the engine in turn: some case must then show a violation, or the site is for nothing.
 *
 * `killing-seeds.json` names that case for every site. It is found once, by search, and replayed ever after.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { WalrusError } from '@walrus/codec'
import type { Plan, Row } from './plan.ts'
import type { Job, Pool } from './pool.ts'
import { deriveSites } from './sites/derive.ts'
import { neutralise } from './sites/neutralise.ts'
import type { Site } from './sites/site.ts'

const FILE = new URL('../killing-seeds.json', import.meta.url)

/** The name of a site, and the plan that kills it. */
export type Killing = Readonly<Record<string, string>>

export interface Killed {
  readonly sites: number
  readonly killed: number
  /** What is not as it must be, one line each. */
  readonly problems: readonly string[]
}

interface SiteJob extends Job {
  readonly site: Site
}

export function readKilling(): Killing {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Killing
}

function write(killing: Killing): void {
  const sorted = Object.entries(killing).toSorted(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`)
}

/** @throws `WALRUS_INVALID_OPTION` when there is none of that name */
export function siteNamed(name: string): Site {
  return sitesNamed([name])[0]!
}

function sitesNamed(names: readonly string[]): Site[] {
  const sites = deriveSites()
  if (names.length === 0) return sites
  return names.map((name) => {
    const site = sites.find((each) => each.name === name)
    if (site !== undefined) return site
    throw new WalrusError('WALRUS_INVALID_OPTION', `there is no site ${JSON.stringify(name)}`)
  })
}

/** Replays every plan on the engine without its site, where it must show a violation, and with it, where it must not. */
export async function replayKilling(
  pool: Pool,
  names: readonly string[],
  progress: (line: string) => void,
): Promise<Killed> {
  const sites = sitesNamed(names)
  const killing = readKilling()
  const known = new Set(sites.map(({ name }) => name))
  const problems: string[] = []
  if (names.length === 0) {
    for (const name of Object.keys(killing)) {
      if (!known.has(name))
        problems.push(`${name}: a plan is kept for it, and there is no such site`)
    }
  }
  for (const { name } of sites) {
    if (killing[name] === undefined) problems.push(`${name}: no plan kills it`)
  }
  const killed = await killedBy(pool, sites, killing, progress)
  for (const { name } of sites) {
    const plan = killing[name]
    if (plan === undefined || killed.has(name)) continue
    problems.push(`${name}: left out, it is not missed by ${plan}`)
  }
  const plans = [...new Set(sites.flatMap(({ name }) => killing[name] ?? []))]
  await pool.run(
    plans.map((plan) => ({ plans: [plan] })),
    ({ plan, violations }) => {
      for (const { what } of violations)
        problems.push(`${plan}: fails with every site there: ${what}`)
    },
  )
  return { sites: sites.length, killed: killed.size, problems }
}

async function killedBy(
  pool: Pool,
  sites: readonly Site[],
  killing: Killing,
  progress: (line: string) => void,
): Promise<Set<string>> {
  const killed = new Set<string>()
  let replayed = 0
  const jobs = function* (): Generator<SiteJob> {
    for (const site of sites) {
      const plan = killing[site.name]
      if (plan !== undefined) yield { site, plans: [plan], replacement: neutralise(site) }
    }
  }
  await pool.run(jobs(), ({ violations }, { site }) => {
    if (violations.length > 0) killed.add(site.name)
    if (++replayed % 25 === 0) progress(`sites: ${replayed} of ${sites.length} replayed`)
  })
  return killed
}

/**
 * Looks for a plan for every site that has none, or for those that are named, and notes what it finds.
 * @param seconds how long to go on for each site
 * @returns the names of those that no case misses
 */
export async function searchKilling(
  pool: Pool,
  names: readonly string[],
  rows: readonly Row[],
  seconds: number,
  progress: (line: string) => void,
): Promise<string[]> {
  const all = sitesNamed(names)
  const existing = new Set(deriveSites().map(({ name }) => name))
  let killing: Killing = Object.fromEntries(
    Object.entries(readKilling()).filter(([name]) => existing.has(name)),
  )
  const sites = names.length > 0 ? all : all.filter(({ name }) => killing[name] === undefined)
  const survivors: string[] = []
  const candidates = inTurn(rows.map((row) => row.ciPlans()))
  const found = new Map<string, { wide: string; narrow: string }>()
  const jobs = function* (): Generator<SiteJob> {
    for (const site of sites) {
      // What killed one often kills its neighbours.
      const first = [...new Set([...found.values()].map(({ wide }) => wide).toReversed())]
      const plans = [...first.slice(0, 40), ...candidates]
      const replacement = neutralise(site)
      yield { site, plans, replacement, untilViolation: true, limitMs: seconds * 1000 }
    }
  }
  const ran = (
    { plan, violations }: { plan: string; violations: readonly { plan: string }[] },
    { site }: SiteJob,
  ): void => {
    const [violation] = violations
    if (violation !== undefined) found.set(site.name, { wide: plan, narrow: violation.plan })
  }
  await pool.run(jobs(), ran, ({ site: { name } }) => {
    const plan = found.get(name)
    progress(`${name}: ${plan?.narrow ?? 'survives'}`)
    if (plan === undefined) survivors.push(name)
    else {
      killing = { ...killing, [name]: plan.narrow }
      write(killing)
    }
  })
  // The narrow plan shows what the wide one did, unless it only shows beside something else.
  const narrow = sites.filter(({ name }) => found.has(name))
  const killed = await killedBy(pool, narrow, killing, progress)
  for (const { name } of narrow) {
    if (!killed.has(name)) killing = { ...killing, [name]: found.get(name)!.wide }
  }
  write(killing)
  return survivors
}

/** The first of each, then the second of each, and so on. */
function inTurn(each: readonly Iterable<Plan>[]): string[] {
  const lists = each.map((plans) => scattered([...plans].map(String)))
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat()
}

/** The same in another order, in which neighbours are far from one another. */
function scattered(list: readonly string[]): string[] {
  const step = Math.max(1, Math.round(list.length * 0.382))
  const apart = [...Array(step).keys()].find((more) => common(step + more, list.length) === 1) ?? 0
  return list.map((_, at) => list[(at * (step + apart)) % list.length]!)
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b)
}
