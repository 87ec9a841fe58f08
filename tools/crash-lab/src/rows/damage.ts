/**
 * Row 3: files cut at every byte, every bit of them flipped, files missing. Whoever opens and reads such a log gets
 * an error that says where, or a shorter log that says it was cut, or what was appended; nothing else, and without
 * more memory than the files have bytes.
 */

import { isDeepStrictEqual } from 'node:util'
import { WalrusError } from '@walrus/codec'
import { Log } from '@walrus/log'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { type Counts, oneOf, Plan, type Row, type Violation, whole } from '../plan.ts'
import { firstIndex } from '../oracle.ts'
import { DIR } from '../workload.ts'
import { type Outcome, outcomeOf, streamOf, textOf } from './damage-outcome.ts'
import { BLOCK_BYTES, IMAGES, type Image, isFiller, type Place } from './damage-images.ts'

/** What is done to a file: cut before this byte; a bit of it flipped; the file taken away. */
const CHANGES = ['cut', '0', '1', '2', '3', '4', '5', '6', '7', 'missing'] as const
type Change = (typeof CHANGES)[number]

const FILES = [...new Set(Object.values(IMAGES).flatMap(({ files }) => Object.keys(files)))]
/** Of what is only there to fill space, one in so many bytes is tried. */
const FILLER_STEP = 499
/** Beyond what the largest file had before it was damaged, no buffer that is read into is larger than this. */
const FIXED_BYTES = 4096

export const damage: Row = {
  name: 'damage',
  title: 'every bit flipped, every file cut at every byte',
  keys: {
    image: oneOf(Object.keys(IMAGES)),
    file: oneOf(FILES),
    block: whole(0, 2000),
    at: whole(0, 200_000),
    change: oneOf(CHANGES),
  },
  run,
  *ciPlans() {
    for (const [image, { files }] of Object.entries(IMAGES)) {
      for (const [file, blocks] of Object.entries(files)) {
        yield new Plan('damage', { image, file, at: 0, change: 'missing' })
        for (let block = 0; block < blocks; block++) {
          yield new Plan('damage', { image, file, block })
        }
      }
    }
  },
  longPlans() {
    return this.ciPlans()
  },
}

/** An image and what it holds, as it reads undamaged. */
interface Subject extends Image {
  readonly entries: ReadonlyMap<string, readonly string[]>
}

/** The same for ever, and not quickly made. */
const subjects = new Map<string, Promise<Subject>>()

async function subjectOf(name: string): Promise<Subject> {
  const image = await IMAGES[name]!.make()
  const entries = new Map<string, string[]>()
  const log = await Log.open(DIR, { storage: image.disk.copy().process(), readOnly: true })
  for (const { stream } of image.order) {
    if (entries.has(stream)) continue
    const texts: string[] = []
    for await (const entry of streamOf(log, stream).entries()) texts.push(textOf(entry))
    entries.set(stream, texts)
  }
  await log.close()
  return { ...image, entries }
}

async function run(plan: Plan, counts: Counts): Promise<Violation[]> {
  const found: Violation[] = []
  const images = plan.text('image') === undefined ? Object.keys(IMAGES) : [plan.text('image')!]
  for (const image of images) {
    let subject = subjects.get(image)
    if (subject === undefined) subjects.set(image, (subject = subjectOf(image)))
    const { files } = IMAGES[image]!
    const names = plan.text('file') === undefined ? Object.keys(files) : [plan.text('file')!]
    for (const file of names) {
      for (const [at, change] of changesOf(plan, fileIn((await subject).disk, file), file)) {
        counts.faults++
        const faults = await faultsOf(await subject, file, at, change, counts)
        const narrow = new Plan('damage', { image, file, at, change })
        found.push(...faults.map((what) => ({ plan: narrow, what })))
      }
    }
  }
  return found
}

/** What a plan asks for, of one file. */
function* changesOf(plan: Plan, bytes: Uint8Array, file: string): Generator<[number, Change]> {
  const only = plan.text('change') as Change | undefined
  if (only === 'missing') return yield [0, 'missing']
  const block = plan.number('block')
  const byte = plan.number('at')
  const from = byte ?? (block ?? 0) * BLOCK_BYTES
  const to = byte !== undefined ? byte + 1 : block === undefined ? bytes.length : from + BLOCK_BYTES
  for (let at = from; at < Math.min(to, bytes.length); at++) {
    if (byte === undefined && isFiller(file, at) && at % FILLER_STEP !== 0) continue
    for (const change of CHANGES) {
      if (change !== 'missing' && (only === undefined || only === change)) yield [at, change]
    }
  }
}

function fileIn(disk: SimulatedDisk, file: string): Uint8Array {
  const bytes = disk.files().get(`${DIR}/${file}`)
  if (bytes === undefined) throw new Error(`the image has no file ${file}`)
  return bytes
}

function damaged(image: SimulatedDisk, file: string, at: number, change: Change): SimulatedDisk {
  const disk = image.copy()
  const path = `${DIR}/${file}`
  if (change === 'missing') {
    disk.remove(path)
    return disk
  }
  const bytes = fileIn(disk, file)
  if (change !== 'cut') bytes[at]! ^= 1 << Number(change)
  disk.put(path, change === 'cut' ? bytes.subarray(0, at) : bytes)
  return disk
}

/** What is wrong with what comes of a damaged log, in words. */
async function faultsOf(
  subject: Subject,
  file: string,
  at: number,
  change: Change,
  counts: Counts,
): Promise<string[]> {
  const found: string[] = []
  const disk = damaged(subject.disk, file, at, change)
  const before = disk.files()
  const largest = Math.max(...[...subject.disk.files().values()].map(({ length }) => length))
  // Damage elsewhere takes nothing: segments alone hold entries.
  const least = file.endsWith('.seg') ? subject.durable : subject.order.length
  const shortened = change === 'cut' || change === 'missing'
  const outcomes: Outcome[] = []
  for (const who of ['a reader', 'a writer', 'the next writer'] as const) {
    counts.recoveries++
    const { outcome, buffer } = await outcomeOf(disk, subject.entries.keys(), who === 'a reader')
    outcomes.push(outcome)
    // The next writer opens what the first one closed.
    const unsaid = shortened || who === 'the next writer'
    const faults = faultsIn(outcome, subject, least, unsaid)
    if (outcome.refused !== undefined && outcomes.length < 3) {
      if (!isDeepStrictEqual(disk.files(), before)) faults.push('was refused, and changed files')
    }
    if (buffer > largest + FIXED_BYTES) faults.push(`read into a buffer of ${buffer} bytes`)
    found.push(...faults.map((fault) => `${who} ${fault}`))
    if (who === 'a writer' && (outcome.refused !== undefined || outcome.clean === true)) break
  }
  const [reader, writer, next] = outcomes as [Outcome, Outcome, Outcome?]
  if ((reader.refused === undefined) !== (writer.refused === undefined)) {
    const { refused } = reader.refused === undefined ? writer : reader
    if (!hasCode(refused, 'WALRUS_NOT_FOUND'))
      found.push(`only one of reader and writer is refused`)
  } else if (!isDeepStrictEqual(sizes(reader), sizes(writer))) {
    found.push('a reader sees another log than a writer')
  }
  if (next !== undefined && !isDeepStrictEqual(sizes(next), sizes(writer))) {
    found.push('a second recovery changed it')
  }
  return found
}

function faultsIn(
  { refused, seen, stopped, torn }: Outcome,
  { order, entries }: Subject,
  least: number,
  unsaid: boolean,
): string[] {
  if (refused !== undefined) return refusalFaults(refused, unsaid && least === 0)
  const found: string[] = []
  for (const [stream, read] of seen) {
    const expected = entries.get(stream) ?? []
    for (const [at, entry] of read.entries()) {
      const index = firstIndex(stream) + at
      if (typeof entry === 'string') {
        if (entry !== expected[at]) found.push(`reads other data at ${stream}[${index}]`)
      } else if (!isDamage(entry, index)) {
        found.push(`fails to read ${stream}[${index}]: ${String(entry)}`)
      }
    }
  }
  for (const { stream, error, next } of stopped) {
    if (!isDamage(error, next)) found.push(`stops before ${stream}[${next}]: ${String(error)}`)
  }
  const hidden = new Set(stopped.map(({ stream }) => stream).filter((name) => !seen.has(name)))
  const isThere = ({ stream, index }: Place): boolean =>
    hidden.has(stream) || index - firstIndex(stream) < (seen.get(stream)?.length ?? 0)
  const missing = order.findIndex((place) => !isThere(place))
  if (missing < 0) return found
  if (order.slice(missing).some(isThere)) found.push(`sees a hole at entry ${missing}`)
  if (missing < least) found.push(`sees ${missing} entries, of which ${least} were durable`)
  if (torn === undefined) {
    if (!unsaid) found.push(`sees ${missing} entries, and says of no cut`)
  } else if (torn.index !== firstIndex('') + (seen.get('')?.length ?? 0)) {
    found.push(`says that it was cut at index ${torn.index}`)
  }
  return found
}

function refusalFaults(refused: unknown, mayBeNone: boolean): string[] {
  if (hasCode(refused, 'WALRUS_CORRUPT', 'WALRUS_FOREIGN_FILE')) {
    return isLocated(refused) ? [] : [`is not told where: ${String(refused)}`]
  }
  if (hasCode(refused, 'WALRUS_SEGMENT_MISSING', 'WALRUS_UNSUPPORTED_FORMAT')) {
    return refused.file === undefined ? [`is not told which: ${String(refused)}`] : []
  }
  if (mayBeNone && hasCode(refused, 'WALRUS_NOT_FOUND')) return []
  return [`fails with ${String(refused)}`]
}

/** Whether an error says which file is damaged, and is not about another entry than this one. */
function isDamage(error: WalrusError, index: number): boolean {
  if (error.index !== undefined && error.index !== index) return false
  const { code, file } = error
  if (code === 'WALRUS_SEGMENT_MISSING' || code === 'WALRUS_UNSUPPORTED_FORMAT') {
    return file !== undefined
  }
  return code === 'WALRUS_CORRUPT' && isLocated(error)
}

function isLocated({ file, offset }: WalrusError): boolean {
  return file !== undefined && offset !== undefined
}

function hasCode(error: unknown, ...codes: readonly string[]): error is WalrusError {
  return error instanceof WalrusError && codes.includes(error.code)
}

function sizes({ seen }: Outcome): Map<string, number> {
  return new Map([...seen].map(([stream, read]) => [stream, read.length]))
}
