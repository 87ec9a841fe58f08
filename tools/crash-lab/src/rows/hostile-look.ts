/** What a reader, two writers one after the other, `verify` and `inspect` make of a forged log. */

import { WalrusError } from '@walrus/codec'
import { inspect, Log, type RecoveryReport, verify } from '@walrus/log'
import type { Storage } from '@walrus/segment'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { DIR } from '../workload.ts'
import { measured, type Outcome, outcomeOf } from './damage-outcome.ts'
import type { FrameOf } from './hostile-shape.ts'
import type { Entry, ForgedLog } from './hostile-logs.ts'

/** A place in a file; no offset where a whole file is meant. */
export interface Spot {
  readonly file: string
  readonly offset?: number | undefined
  readonly code?: string
}

/** What must come of it. Whatever is not said may be anything, as long as errors have codes and data is right. */
export interface Expected {
  /**
   * All entries; so many of them, and no more; all but some that give errors; no log at all, for one of these
   * reasons.
   */
  readonly reads?:
    | 'all'
    | { readonly first: number }
    | { readonly allBut: (entry: Entry) => boolean }
    | { readonly refused: readonly string[] }
  /** Whether it counts as closed. */
  readonly clean?: boolean
  /** Where it is said to have been cut; `'whole'`: nowhere. */
  readonly torn?: Spot | 'whole'
  /** Where a writer cuts it, to go on in a new segment. */
  readonly cut?: Spot
  /** Bytes of segments that opening reads at most. */
  readonly scanned?: number
  /** What `verify` finds damaged: just this. */
  readonly damage?: readonly Spot[] | undefined
  /** The indexes that `verify` finds stale: just these. */
  readonly stale?: readonly string[]
  /** What `inspect` cannot read: just this. */
  readonly bad?: readonly Spot[]
}

/** Beyond the largest file, no buffer that is read into is larger than this: what a scan reads at once. */
const FIXED_BYTES = 0x20_0000
const AFTERWARDS = 'appended afterwards'

export async function lookAt(
  disk: SimulatedDisk,
  { log, entries }: ForgedLog,
  expected: Expected,
): Promise<string[]> {
  const found: string[] = []
  const frames = log.segments.flatMap(({ groups }) => groups.flatMap((group) => group.frames))
  const largest = Math.max(...[...disk.files().values()].map(({ length }) => length))
  const bound = largest + FIXED_BYTES
  found.push(
    ...(await verified(disk, expected, bound)),
    ...(await inspected(disk, frames, expected, bound)),
  )
  const streams = new Set(entries.map(({ stream }) => stream))
  for (const readOnly of [true, false]) {
    const { outcome, buffer } = await outcomeOf(disk, streams, readOnly)
    const who = readOnly ? 'a reader' : 'a writer'
    const faults = faultsIn(outcome, entries, expected)
    if (buffer > bound) faults.push(`reads into a buffer of ${buffer} bytes`)
    found.push(...faults.map((fault) => `${who} ${fault}`))
    if (!readOnly && outcome.refused === undefined) {
      const { cut } = outcome.report!
      if (expected.cut !== undefined && !sameSpots([cut], [expected.cut])) {
        found.push(`a writer cuts it at ${JSON.stringify(cut)}`)
      }
      found.push(...(await goneOn(disk, outcome, streams, expected.reads)))
    }
  }
  return found
}

function faultsIn(
  { refused, seen, stopped, report }: Outcome,
  entries: readonly Entry[],
  { reads, clean, torn, scanned }: Expected,
): string[] {
  if (refused !== undefined) return refusalFaults(refused, reads)
  if (typeof reads === 'object' && 'refused' in reads) return ['is not refused']
  const found = errorFaults(
    [...seen.values()].flat(),
    stopped.map(({ error }) => error),
  )
  const right = new Map(entries.map((entry) => [placeOf(entry.stream, entry.index), entry.text]))
  const count = reads === undefined ? undefined : new Set<string>()
  for (const [stream, texts] of seen) {
    for (const text of texts) {
      if (typeof text !== 'string') continue
      const place = placeOf(stream, Number(text.split(' ', 1)))
      count?.add(place)
      if (text !== right.get(place)) found.push(`reads other data at ${place}: ${text}`)
    }
  }
  if (reads !== undefined && count !== undefined) {
    const wanted = wantedOf(entries, reads)
    const missing = [...wanted].filter((place) => !count.has(place))
    const beyond = [...count].filter((place) => !wanted.has(place))
    if (missing.length > 0) found.push(`does not read ${missing.join(', ')}`)
    if (beyond.length > 0) found.push(`reads ${beyond.join(', ')}, which do not count`)
  }
  if (report === undefined) return found
  if (clean !== undefined && report.clean !== clean) {
    found.push(clean ? 'takes it for not closed' : 'takes it for closed')
  }
  if (torn !== undefined && !saysTorn(report, torn)) {
    found.push(`says that it was torn at ${JSON.stringify(report.torn)}`)
  }
  if (scanned !== undefined && report.scannedBytes > scanned) {
    found.push(`reads ${report.scannedBytes} bytes of segments to open it`)
  }
  if (report.cut?.file.includes('000000000000') === true) found.push('says it cut segment 0')
  return found
}

function wantedOf(entries: readonly Entry[], reads: NonNullable<Expected['reads']>): Set<string> {
  const wanted =
    reads === 'all'
      ? entries
      : 'first' in reads
        ? entries.slice(0, reads.first)
        : 'allBut' in reads
          ? entries.filter((entry) => !reads.allBut(entry))
          : []
  return new Set(wanted.map(({ stream, index }) => placeOf(stream, index)))
}

function saysTorn({ torn }: RecoveryReport, expected: Spot | 'whole'): boolean {
  if (expected === 'whole') return torn === undefined
  // A writer has moved the file, if nothing in it counts.
  return torn?.file.endsWith(`/${expected.file}`) === true && torn.offset === expected.offset
}

function placeOf(stream: string, index: number): string {
  return `${stream || 'plain'}[${index}]`
}

function refusalFaults(refused: unknown, reads: Expected['reads']): string[] {
  if (!(refused instanceof WalrusError)) return [`fails with ${stackOf(refused)}`]
  if (reads !== undefined && !(typeof reads === 'object' && 'refused' in reads)) {
    return [`is refused: ${String(refused)}`]
  }
  if (reads !== undefined && !reads.refused.includes(refused.code)) {
    return [`is refused for another reason: ${String(refused)}`]
  }
  return refused.file === undefined ? [`is not told which file: ${String(refused)}`] : []
}

function errorFaults(...errors: readonly (readonly (string | WalrusError)[])[]): string[] {
  return errors
    .flat()
    .filter((error) => typeof error !== 'string')
    .filter(
      ({ code }) =>
        !/^WALRUS_(CORRUPT|SEGMENT_MISSING|UNSUPPORTED_FORMAT|INDEX_OUT_OF_RANGE)$/.test(code),
    )
    .map((error) => `fails to read with ${String(error)}`)
}

/**
 * Whatever a writer made of it: it takes one more entry, and the next one finds all that was there, and that. Where
 * it is not said what can be read, it may be that headers lie about the places of entries.
 */
async function goneOn(
  disk: SimulatedDisk,
  { seen }: Outcome,
  streams: Iterable<string>,
  reads: Expected['reads'],
): Promise<string[]> {
  const before = new Map([...seen].map(([name, texts]) => [name, texts.map(shown)]))
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage, durability: 'none' })
    const index = await log.append(AFTERWARDS)
    const orders = await log.stream('orders').append(AFTERWARDS)
    await log.close()
    return new Map([
      ['', index],
      ['orders', orders],
    ])
  })
  const { outcome } = await outcomeOf(disk, streams, false)
  if (outcome.refused !== undefined) return [`the next writer fails: ${stackOf(outcome.refused)}`]
  const found: string[] = []
  if (reads === undefined) return found
  if (outcome.report?.clean !== true) found.push('it was closed, and does not open as closed')
  if (typeof reads === 'object' && 'first' in reads) {
    const { value: report } = await disk.run((storage) => verify(DIR, { storage }))
    found.push(...report!.damage.map(({ message }) => `going on with it left damage: ${message}`))
  }
  for (const [name, texts] of outcome.seen) {
    const after = texts.map(shown)
    const index = value!.get(name)
    const at = after.findIndex((text) => text.startsWith(`${index} `))
    const last = at < 0 ? undefined : after.splice(at, 1)[0]
    if (index !== undefined && last?.endsWith(AFTERWARDS) !== true) {
      found.push(`what was appended to ${name || 'the plain log'} is gone`)
    }
    if (String(after) !== String(before.get(name) ?? [])) {
      found.push(`going on with it changed ${name || 'the plain log'}`)
    }
  }
  return found
}

function shown(text: string | WalrusError): string {
  return typeof text === 'string' ? text : text.code
}

async function verified(disk: SimulatedDisk, expected: Expected, bound: number): Promise<string[]> {
  const { torn, damage, stale } = expected
  return await bounded(disk, 'verify', bound, async (storage) => {
    const report = await verify(DIR, { storage })
    const found: string[] = []
    if (damage !== undefined && !sameSpots(report.damage, damage)) {
      found.push(`verify finds damaged: ${JSON.stringify(report.damage)}`)
    }
    if (stale !== undefined && String(names(report.staleIndexes)) !== String(stale)) {
      found.push(`verify finds stale: ${names(report.staleIndexes).join(', ')}`)
    }
    if (torn === 'whole' ? report.torn !== undefined : torn && !sameSpots([report.torn], [torn])) {
      found.push(`verify finds torn: ${JSON.stringify(report.torn)}`)
    }
    return found
  })
}

async function inspected(
  disk: SimulatedDisk,
  frames: readonly FrameOf[],
  { bad }: Expected,
  bound: number,
): Promise<string[]> {
  return await bounded(disk, 'inspect', bound, async (storage) => {
    const spots: Spot[] = []
    const seen: string[] = []
    for await (const item of inspect(DIR, { storage })) {
      if (item.type === 'bad') spots.push(item)
      if (item.type !== 'frame') continue
      const { stream, kind, position, attributes, data } = item
      const given = Object.values(attributes).map((value) => Number(value !== undefined))
      seen.push(shownFrame([stream, kind, position, ...given], data))
    }
    if (bad === undefined) return []
    if (!sameSpots(spots, bad)) return [`inspect cannot read: ${JSON.stringify(spots)}`]
    const there = frames.map((frame) => {
      const { stream, kind, position, shown = frame } = frame
      const given = [0, 1, 2].map((bit) => (shown.flags >> bit) & 1)
      return shownFrame([stream, kind, position, ...given], shown.data)
    })
    const same = bad.length > 0 || String(seen) === String(there)
    return same ? [] : [`inspect finds other frames: ${String(seen)}`]
  })
}

function shownFrame(numbers: readonly number[], data: Uint8Array): string {
  return `${numbers.join(' ')} ${Buffer.from(data).toString('latin1')}`
}

/** Runs one that looks; it throws nothing but that a file is of another version. */
async function bounded(
  disk: SimulatedDisk,
  who: string,
  bound: number,
  run: (storage: Storage) => Promise<string[]>,
): Promise<string[]> {
  let buffer = 0
  const note = (bytes: number): void => {
    buffer = Math.max(buffer, bytes)
  }
  const found: string[] = []
  try {
    const { value } = await disk.run((process) => run(measured(process, note)))
    found.push(...value!)
  } catch (error) {
    found.push(`${who} fails with ${stackOf(error)}`)
  }
  if (buffer > bound) found.push(`${who} reads into a buffer of ${buffer} bytes`)
  return found
}

function sameSpots(found: readonly (Spot | undefined)[], expected: readonly Spot[]): boolean {
  return (
    found.length === expected.length &&
    expected.every(({ file, offset, code }, at) => {
      const spot = found[at]
      if (spot === undefined || !spot.file.endsWith(file)) return false
      return (
        (offset === undefined || spot.offset === offset) &&
        (code === undefined || spot.code === code)
      )
    })
  )
}

function names(paths: readonly string[]): string[] {
  return paths.map((path) => path.slice(path.lastIndexOf('/') + 1))
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}
