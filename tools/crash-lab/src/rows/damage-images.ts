/**
 * The logs of row 3: small, and between them with every kind of file, segment, group and frame there is.
 *
 * The only thing in them that is not small is one entry, which is there to fill a segment.
 */

import { type Durability, Log } from '@walrus/log'
import { type Loss, type LossName, SimulatedDisk } from '@walrus/storage-sim'
import { DIR } from '../workload.ts'

export const STREAMS = ['orders', 'payments'] as const

/** The place of an entry in its stream; entries are listed in the order of their appends. */
export interface Place {
  readonly stream: string
  readonly index: number
}

export interface Image {
  readonly disk: SimulatedDisk
  /** Every entry, in order. */
  readonly order: readonly Place[]
  /** So many of them are known to be durable, by marks in the files. */
  readonly durable: number
}

/** How an image comes about, and its files with the number of their blocks of 16 bytes. */
interface Recipe {
  readonly make: () => Promise<Image>
  readonly files: Readonly<Record<string, number>>
}

export const BLOCK_BYTES = 16
const SEGMENT_BYTES = 0x1_0000
const FILLER_BYTES = 66_000
/** A segment's zeros written ahead are left for so many bytes. */
const ZEROS = 128

export const IMAGES: Readonly<Record<string, Recipe>> = {
  /** Closed, of three segments, with their indexes. */
  closed: {
    make: () => threeSegments(true),
    files: {
      '000000000001.seg': 52,
      '000000000001.idx': 17,
      '000000000002.seg': 4147,
      '000000000002.idx': 11,
      '000000000003.seg': 36,
      '000000000003.idx': 15,
      TAIL: 40,
    },
  },
  /** The same, its writer killed when the tail file did not know of the last two groups; without the large segment. */
  killed: {
    make: () => threeSegments(false),
    files: {
      '000000000001.seg': 52,
      '000000000003.seg': 48,
      TAIL: 40,
    },
  },
  /** Without syncs, after a power loss that took nothing. */
  unproven: {
    make: unproven,
    files: { '000000000001.seg': 45, TAIL: 40 },
  },
  /** Recovered from a power loss into a second segment, appended to, and its writer killed. */
  recovered: {
    make: recovered,
    files: { '000000000001.seg': 72, '000000000001.idx': 15, '000000000002.seg': 46, TAIL: 40 },
  },
}

/** Whether a byte is in the body of the entry that only fills a segment, or between the slots of a tail file. */
export function isFiller(file: string, at: number): boolean {
  if (file === 'TAIL') return at >= 128 && at < 512
  return file === '000000000002.seg' && at >= 512 && at < FILLER_BYTES
}

/** Appends, and notes in which order. */
class Maker {
  readonly log: Log
  readonly order: Place[]

  constructor(log: Log, order: Place[]) {
    this.log = log
    this.order = order
  }

  static async open(
    disk: SimulatedDisk,
    durability: Durability,
    order: Place[] = [],
  ): Promise<Maker> {
    const options = { storage: disk.process(), durability, segmentBytes: SEGMENT_BYTES }
    return new Maker(await Log.open(DIR, options), order)
  }

  async append(data: string | Uint8Array, stream = ''): Promise<void> {
    const target = stream === '' ? this.log : this.log.stream(stream)
    this.order.push({ stream, index: await target.append(data) })
  }

  async batch(): Promise<void> {
    const attributes = { term: 3n, timestamp: -5n, transactionId: 'tx-1' }
    const entries = [{ data: 'in a batch', ...attributes }, 'and with it']
    const indexes = await this.log.appendBatch(entries)
    this.order.push(...indexes.map((index) => ({ stream: '', index })))
  }
}

async function threeSegments(closed: boolean): Promise<Image> {
  const disk = new SimulatedDisk({ seed: 1 })
  const maker = await Maker.open(disk, 'commit')
  const { order } = maker
  await maker.append('first')
  await maker.batch()
  for (const stream of STREAMS) await maker.append(`of ${stream}`, stream)
  await maker.append(Buffer.alloc(FILLER_BYTES, 'filler '))
  await maker.append('behind the filler')
  await maker.append('more', STREAMS[0])
  await disk.pass(10)
  const durable = order.length
  if (closed) {
    await maker.log.close()
    return { disk, order, durable }
  }
  await maker.append('', STREAMS[1])
  await maker.append('last')
  return { disk: left(disk), order, durable }
}

async function unproven(): Promise<Image> {
  const disk = new SimulatedDisk({ seed: 2 })
  const maker = await Maker.open(disk, 'none')
  await maker.append('first')
  await maker.append('of a stream', STREAMS[0])
  await maker.batch()
  await maker.append('last')
  return { disk: left(disk, 'kept'), order: maker.order, durable: 0 }
}

async function recovered(): Promise<Image> {
  const before = new SimulatedDisk({ seed: 3 })
  const first = await Maker.open(before, 'none')
  await first.append('synced')
  await first.append('of a stream', STREAMS[0])
  await first.log.sync()
  await before.pass(10)
  await first.batch()
  await first.append('whole, and not proven')
  const kept = [...first.order]
  await first.append('torn: '.padEnd(700, '-'))
  const disk = left(before, { data: 'head', sizes: 'kept', names: 'kept' })
  const second = await Maker.open(disk, 'commit', kept)
  if (second.log.recovery.torn === undefined) throw new Error('nothing of the image was torn')
  await second.append('behind the cut')
  await disk.pass(10)
  const durable = kept.length
  await second.append('last', STREAMS[1])
  return { disk: left(disk), order: kept, durable }
}

/** What a killed writer leaves, or a power loss, without most of the zeros behind the segments. */
function left(from: SimulatedDisk, loss?: LossName | Loss): SimulatedDisk {
  const disk = from.copy()
  if (loss !== undefined) disk.losePower(loss)
  for (const [path, bytes] of disk.files()) {
    if (path.endsWith('.new')) disk.remove(path)
    if (!path.endsWith('.seg')) continue
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1
    disk.put(path, bytes.subarray(0, end + ZEROS))
  }
  return disk
}
