/**
 * The storage on plain `node:fs`, on a machine in memory that loses its power before each system call in turn
 * (../sites/simulated-fs.ts). Worth something only where the segment package was given that machine's `node:fs`.
 */

import { type Counts, Plan, type Row, type Violation } from '../plan.ts'
import { tryFd } from '../sites/simulated-fs.ts'

export const fd: Row = {
  name: 'fd',
  title: 'power lost before each system call of the storage on node:fs',
  keys: {},
  simulatesFs: true,
  run,
  *ciPlans() {
    yield new Plan('fd')
  },
  longPlans() {
    return this.ciPlans()
  },
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const { crashes, violation } = await tryFd()
  counts.workloads++
  counts.crashPoints += crashes
  counts.recoveries += crashes
  return violation === undefined ? [] : [{ plan, what: violation }]
}
