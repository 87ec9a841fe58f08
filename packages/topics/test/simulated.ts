/** Topics on a simulated disk, and small things that tests say. */

import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { type TopicEntry, Topics, type TopicsOptions } from '../src/index.ts'

export const DIR = '/topics'
export const QUIET = { debug() {}, info() {}, warn() {}, error() {} }

/** Opens topics in a process of its own. */
export function openOn(disk: SimulatedDisk, options: TopicsOptions = {}): Promise<Topics> {
  return Topics.open(DIR, { storage: disk.process(), logger: QUIET, ...options })
}

/** Opens topics in a process that may be ended. */
export function openWith(storage: SimulatedStorage, options: TopicsOptions = {}): Promise<Topics> {
  return Topics.open(DIR, { storage, logger: QUIET, ...options })
}

export function text(entry: { readonly data: Uint8Array } | undefined): string | undefined {
  return entry === undefined ? undefined : Buffer.from(entry.data).toString()
}

export function texts(entries: readonly TopicEntry[]): (string | undefined)[] {
  return entries.map(text)
}

/** Numbers as entries: `e0`, `e1`, … */
export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `e${from + at}`)
}
