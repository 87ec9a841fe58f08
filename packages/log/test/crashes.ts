/** What crashes leave of a workload: it is run once, and the disk is copied in the calls that change it. */

import { type Call, SimulatedDisk } from '@walrus/storage-sim'
import type { Durability } from '../src/index.ts'
import { Trace } from './trace.ts'
import { everything, type Workload } from './workload.ts'

/** A crash in the middle of a call: the machine is still under power, the process is gone. */
export interface Crash {
  readonly call: Call
  readonly disk: SimulatedDisk
  readonly trace: Trace
}

export async function crashesOf(
  durability: Durability,
  seed: number,
  workload: Workload = everything,
): Promise<Crash[]> {
  const disk = new SimulatedDisk({ seed })
  const trace = new Trace()
  const crashes: Crash[] = []
  disk.fault = (call) => {
    if (call.change !== undefined) crashes.push({ call, disk: disk.copy(), trace: trace.copy() })
    return undefined
  }
  await disk.run((storage) => workload(disk, storage, durability, trace))
  return crashes
}

/** Some of many, evenly spread. */
export function spread<T>(all: readonly T[], count: number): T[] {
  return Array.from(
    { length: count },
    (_, at) => all[Math.floor(((at + 0.5) / count) * all.length)]!,
  )
}
