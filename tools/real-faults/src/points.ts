/** The places of a workload: the n-th call of a kind that a thread makes on one of the log's files. */

import { join } from 'node:path'
import { LogProcess } from './process.ts'
import type { Task } from './protocol.ts'
import { randomFrom } from './random.ts'
import { temporaryDirectory } from './resources.ts'
import { tracedCalls, tracing } from './strace.ts'

export interface Point {
  readonly call: string
  /** Relative to the log's directory; empty for that itself. */
  readonly path: string
  readonly number: number
}

export function nameOf({ call, path, number }: Point): string {
  return `${call} ${number} on ${path || 'the directory'}`
}

/** Runs the workload once with nothing wrong and says where it can be disturbed. */
export async function pointsOf(
  given: Pick<Task, 'storage' | 'durability' | 'seed' | 'steps'>,
  calls: readonly string[],
): Promise<Point[]> {
  const { path, remove } = temporaryDirectory()
  try {
    const dir = join(path, 'log')
    const output = join(path, 'calls')
    const names = calls.map((call) => `?${call}`).join(',')
    const task = { ...given, dir, life: 0, linger: false }
    const { how, errors } = await new LogProcess(task, undefined, tracing(output, names)).ended
    if (how !== 0) throw new Error(`the workload without a fault ended with ${how}: ${errors}`)
    const made = new Map<string, number>()
    const points = new Map<string, Point>()
    for (const { thread, name: call, text } of await tracedCalls(output)) {
      for (const file of pathsIn(text, dir)) {
        const number = (made.get(`${thread} ${call} ${file}`) ?? 0) + 1
        made.set(`${thread} ${call} ${file}`, number)
        points.set(`${call} ${file} ${number}`, { call, path: file, number })
      }
    }
    return [...points.values()]
  } finally {
    remove()
  }
}

/** The files in a directory, and that itself, that a call is about, but for those whose names are random. */
function pathsIn(text: string, dir: string): Set<string> {
  const paths = [...text.matchAll(/[<"]([^<>"]+)[>"]/g)].map(([, path]) => path!)
  const inside = paths.filter((path) => path === dir || path.startsWith(`${dir}/`))
  return new Set(
    inside.map((path) => path.slice(dir.length + 1)).filter((path) => !/^LOCK\/\D/.test(path)),
  )
}

/** Some of them, spread evenly, beginning where the seed says. */
export function sample<T>(points: readonly T[], most: number, seed: number): T[] {
  if (points.length <= most) return [...points]
  const every = points.length / most
  const offset = randomFrom(seed, points.length)() * every
  return Array.from({ length: most }, (_, at) => points[Math.floor(offset + at * every)]!)
}
