/** A log on a simulated disk, and what is done to it from outside. */

import { basename, join } from 'node:path'
import type { Call, SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { Log, type LogOptions, type Stream } from '../src/index.ts'

export const DIR = '/log'

/** A file of the log, as errors name it. */
export function pathOf(name: string): string {
  return join(DIR, name)
}

export function segment(id: number): string {
  return `${String(id).padStart(12, '0')}.seg`
}

export function index(id: number): string {
  return `${String(id).padStart(12, '0')}.idx`
}

/** Opens the log in a process of its own. */
export async function openOn(disk: SimulatedDisk, options: LogOptions = {}): Promise<Log> {
  return await Log.open(DIR, { storage: disk.process(), ...options })
}

/** What is done by a process that comes to its end. */
export async function runOn<T>(
  disk: SimulatedDisk,
  work: (storage: SimulatedStorage) => Promise<T>,
): Promise<T> {
  const outcome = await disk.run(work)
  if (outcome.ended !== 'returned') throw new Error(`it was ended: ${outcome.ended}`)
  return outcome.value
}

/** The calls from now on, until somebody else decides about faults. */
export function callsOn(disk: SimulatedDisk): Call[] {
  const calls: Call[] = []
  disk.fault = (call) => {
    calls.push(call)
    return undefined
  }
  return calls
}

export function nameOfCall({ number, kind, path }: Call): string {
  return `call ${number}, ${kind} ${basename(path)}`
}

/** Every file of the log and its bytes, by name. */
export function filesIn(disk: SimulatedDisk): Record<string, string> {
  const files = [...disk.files()].map(([path, bytes]): [string, string] => [
    path.slice(path.indexOf(DIR) + DIR.length + 1),
    Buffer.from(bytes).toString('latin1'),
  ])
  return Object.fromEntries(files.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** A file's bytes. */
export function bytesOf(disk: SimulatedDisk, name: string): Buffer {
  for (const [path, bytes] of disk.files()) {
    if (path.endsWith(`${DIR}/${name}`)) return Buffer.from(bytes)
  }
  throw new Error(`there is no file ${name}`)
}

/** A copy of the disk with another content of a file, or without it. */
export function changed(
  disk: SimulatedDisk,
  name: string,
  change: (bytes: Buffer) => Uint8Array | undefined,
): SimulatedDisk {
  const copy = disk.copy()
  const bytes = change(bytesOf(copy, name))
  if (bytes === undefined) copy.remove(pathOf(name))
  else copy.put(pathOf(name), bytes)
  return copy
}

/** A copy of the disk with a file cut to some bytes. */
export function cut(disk: SimulatedDisk, name: string, length: number): SimulatedDisk {
  return changed(disk, name, (bytes) => bytes.subarray(0, length))
}

/** A copy of the disk with some bits of a byte flipped. */
export function flipped(
  disk: SimulatedDisk,
  name: string,
  offset: number,
  bits: number,
): SimulatedDisk {
  return changed(disk, name, (bytes) => {
    bytes[offset]! ^= bits
    return bytes
  })
}

export function without(disk: SimulatedDisk, ...names: readonly string[]): SimulatedDisk {
  return names.reduce((left, name) => changed(left, name, () => undefined), disk)
}

export function text(data: Uint8Array): string {
  return Buffer.from(data).toString()
}

export async function entriesOf(log: Log | Stream): Promise<string[]> {
  const entries: string[] = []
  for await (const { data } of log.entries()) entries.push(text(data))
  return entries
}
