/**
 * What stands in a log's files, piece by piece, for a person to read. Changes nothing and judges nothing: damaged
 * places are given as such, and reading goes on behind them where a whole commit group stands.
 */

import { WalrusError } from '@walrus/codec'
import {
  type Attributes,
  checkFrame,
  decodeAttributes,
  decodeSeal,
  FRAME_HEADER_BYTES,
  FrameFlag,
  fd,
  frameAttributesLength,
  frameBytes,
  frameFlags,
  frameKind,
  frameLength,
  framePosition,
  frameStream,
  frameTime,
  GROUP_HEADER_BYTES,
  type GroupHeader,
  isGroupWhole,
  readGroupHeader,
  SEAL_BYTES,
  type Seal,
  type SegmentHeader,
  type Storage,
  type StorageFile,
  searchRemainder,
  seedOf,
} from '@walrus/segment'
import { decodeJson } from './entry-format.ts'
import { hasCode } from './errors.ts'
import { segmentIds, segmentPath, TAIL_NAME } from './names.ts'
import { checkNames } from './options.ts'
import { readHeader } from './segment-files.ts'
import { readTail, type Tail } from './tail-file.ts'

/** Where a piece stands. */
interface Piece {
  readonly file: string
  readonly offset: number
  readonly length: number
}

export type InspectItem =
  | (Piece & { readonly type: 'tail'; readonly tail: Tail })
  | (Piece & { readonly type: 'segment'; readonly header: SegmentHeader })
  | (Piece & { readonly type: 'group'; readonly header: GroupHeader })
  | (Piece & InspectedFrame)
  | (Piece & { readonly type: 'seal'; readonly seal: Seal })
  | (Piece & { readonly type: 'zeros' })
  | (Piece & { readonly type: 'bad'; readonly message: string })

export interface InspectedFrame {
  readonly type: 'frame'
  readonly lsn: number
  readonly stream: number
  readonly kind: number
  readonly position: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly attributes: Attributes
  readonly data: Uint8Array
}

export interface InspectOptions {
  readonly storage?: Storage
}

/**
 * Everything in a log's files, in file order: the tail file, then each segment with its groups and frames.
 * Memory is one commit group.
 * @throws `WALRUS_NOT_FOUND` when there is no log; `WALRUS_INVALID_OPTION`; `WALRUS_IO`
 */
export async function* inspect(
  dir: string,
  options: InspectOptions = {},
): AsyncGenerator<InspectItem, void, undefined> {
  checkNames('inspect', options, ['storage'])
  const storage = options.storage ?? fd()
  const names = await storage.list(dir)
  const ids = segmentIds(names)
  if (ids.length === 0 && !names.includes(TAIL_NAME)) {
    throw new WalrusError('WALRUS_NOT_FOUND', `there is no log in ${dir}`, { file: dir })
  }
  const tail = await readTail(storage, dir)
  if (tail !== undefined) {
    const offset = (tail.sequence & 1) * 512
    yield { type: 'tail', file: TAIL_NAME, offset, length: 128, tail }
  }
  for (const id of ids) yield* inspectSegment(storage, segmentPath(dir, id), id)
}

async function* inspectSegment(
  storage: Storage,
  path: string,
  id: number,
): AsyncGenerator<InspectItem, void, undefined> {
  const file = await storage.open(path, 'read')
  try {
    const size = await file.size()
    let header: SegmentHeader
    try {
      header = await readHeader(file, id)
    } catch (error) {
      if (!hasCode(error, 'WALRUS_CORRUPT') && !hasCode(error, 'WALRUS_UNSUPPORTED_FORMAT'))
        throw error
      const { message } = error as Error
      yield { type: 'bad', file: path, offset: 0, length: size, message }
      return
    }
    yield { type: 'segment', file: path, offset: 0, length: header.firstGroup, header }
    yield* inspectGroups(file, header, size)
  } finally {
    await file.close()
  }
}

async function* inspectGroups(
  file: StorageFile,
  segment: SegmentHeader,
  size: number,
): AsyncGenerator<InspectItem, void, undefined> {
  const seed = seedOf(segment.salt)
  let offset = segment.firstGroup
  while (offset < size) {
    const group = await readGroup(file, offset, size, seed)
    if (group !== undefined) {
      yield* itemsOf(group, file.path, offset, segment)
      offset += group.header.size
      continue
    }
    const seal = await readSeal(file, offset, segment.id, seed)
    if (seal !== undefined) {
      yield { type: 'seal', file: file.path, offset, length: SEAL_BYTES, seal }
      offset += SEAL_BYTES
      continue
    }
    const { firstByte, groups } = await searchRemainder(file, offset, size, seed)
    const end = groups[0]?.offset ?? size
    const zeros = Math.min(firstByte ?? end, end)
    if (zeros > offset) yield { type: 'zeros', file: file.path, offset, length: zeros - offset }
    if (end > zeros) {
      const message = 'no whole commit group of this segment'
      yield { type: 'bad', file: file.path, offset: zeros, length: end - zeros, message }
    }
    offset = end
  }
}

interface GroupInMemory {
  readonly header: GroupHeader
  readonly bytes: Uint8Array
  readonly words: Int32Array
}

async function readGroup(
  file: StorageFile,
  offset: number,
  size: number,
  seed: number,
): Promise<GroupInMemory | undefined> {
  const head = new Int32Array(GROUP_HEADER_BYTES / 4)
  await file.read(new Uint8Array(head.buffer), offset)
  const header = readGroupHeader(head, 0, size - offset, seed)
  if (header === undefined) return undefined
  const words = new Int32Array(header.size / 4)
  const bytes = new Uint8Array(words.buffer)
  await file.read(bytes, offset)
  if (!isGroupWhole(bytes, words, 0, header, seed)) return undefined
  return { header, bytes, words }
}

async function readSeal(
  file: StorageFile,
  offset: number,
  id: number,
  seed: number,
): Promise<Seal | undefined> {
  const bytes = new Uint8Array(SEAL_BYTES)
  const read = await file.read(bytes, offset)
  return decodeSeal(bytes.subarray(0, read), offset, id, seed)
}

function* itemsOf(
  { header, bytes, words }: GroupInMemory,
  file: string,
  offset: number,
  segment: SegmentHeader,
): Generator<InspectItem, void, undefined> {
  yield { type: 'group', file, offset, length: header.size, header }
  let at = GROUP_HEADER_BYTES
  for (let number = 0; number < header.count; number++) {
    yield itemOf(bytes, words, at, { file, offset: offset + at }, header.firstLsn + number, segment)
    at += frameBytes(frameLength(words, at))
  }
}

function itemOf(
  bytes: Uint8Array,
  words: Int32Array,
  at: number,
  place: { file: string; offset: number },
  lsn: number,
  segment: SegmentHeader,
): InspectItem {
  const piece = { ...place, length: frameBytes(frameLength(words, at)) }
  const body = at + FRAME_HEADER_BYTES
  const dataAt = body + frameAttributesLength(words, at)
  const position = framePosition(words, at)
  let data = bytes.subarray(dataAt, body + frameLength(words, at))
  let attributes: Attributes
  try {
    checkFrame(words, at, place.file, place.offset)
    if (frameFlags(words, at) === FrameFlag.json) {
      ;({ data, attributes } = decodeJson(data, position, place.file, place.offset))
    } else {
      attributes = decodeAttributes(frameFlags(words, at), bytes.subarray(body, dataAt))
    }
  } catch (error) {
    if (!hasCode(error, 'WALRUS_CORRUPT')) throw error
    return { type: 'bad', ...piece, message: (error as Error).message }
  }
  return {
    type: 'frame',
    ...piece,
    lsn,
    stream: frameStream(words, at),
    kind: frameKind(words, at),
    position,
    time: segment.baseTime + frameTime(words, at),
    attributes,
    data,
  }
}
