/**
 * `walrus dump`: what lies in the files of a log, piece by piece, in their order.
 *
 * It judges nothing, so a torn tail and a damaged place are both shown as bytes that are no part of the log.
 */
import { type InspectedFrame, type InspectItem, inspect } from '@walrus/log'
import { Begun, FrameKind, PLAIN_STREAM } from '@walrus/segment'
import { escapeJson, escapeText, excerpt } from '../escape.ts'
import { plural } from '../format.ts'
import { dataToJson, toJsonLine } from '../json.ts'
import { Output } from '../output.ts'

export interface DumpOptions {
  readonly dir: string
  readonly json?: true
}

const EXCERPT_BYTES = 48

export async function dump(options: DumpOptions): Promise<number> {
  const output = new Output(() => {})
  let file: string | undefined
  for await (const item of inspect(options.dir)) {
    if (options.json) {
      output.putText(itemToJson(item))
    } else {
      if (item.file !== file) output.putText(`${escapeText(item.file)}\n`)
      file = item.file
      output.putText(itemToLine(item))
    }
    if (output.full) await output.flush()
    if (output.closed) return 0
  }
  await output.flush()
  return 0
}

function itemToJson(item: InspectItem): string {
  if (item.type !== 'frame') return toJsonLine(item)
  const { data, ...rest } = item
  return `${toJsonLine(rest).slice(0, -2)},${escapeJson(dataToJson(data))}}\n`
}

function itemToLine(item: InspectItem): string {
  const offset = String(item.offset).padStart(11)
  const length = plural(item.length, 'byte', 'bytes').padStart(17)
  return `${offset}  ${item.type.padEnd(7)} ${length}  ${describeItem(item)}\n`.replace(
    / +\n$/,
    '\n',
  )
}

function describeItem(item: InspectItem): string {
  switch (item.type) {
    case 'tail': {
      const { closed, durable, epoch, time } = item.tail
      const state = closed ? 'closed' : 'running'
      const end = `durable before LSN ${durable.lsn}, byte ${durable.offset} of segment ${durable.segment}`
      return `${state}, ${end}, next index ${durable.plainNext}, epoch ${epoch}, ${formatTime(time)}`
    }
    case 'segment': {
      const { id, firstLsn, plainNext, epoch, baseTime } = item.header
      const start = `number ${id}, from LSN ${firstLsn}, next index ${plainNext}`
      return `${start}, ${describeBegin(item)}, epoch ${epoch}, ${formatTime(baseTime)}`
    }
    case 'group': {
      const { count, firstLsn, mark, epoch, time } = item.header
      const frames = `${plural(count, 'frame', 'frames')} from LSN ${firstLsn}`
      return `${frames}, synced before LSN ${mark}, epoch ${epoch}, ${formatTime(time)}`
    }
    case 'frame':
      return describeFrame(item)
    case 'seal': {
      const { endLsn, plainNext, successor, time } = item.seal
      return `ends before LSN ${endLsn}, next index ${plainNext}, segment ${successor} follows, ${formatTime(time)}`
    }
    case 'zeros':
      return 'written ahead'
    case 'bad':
      return escapeText(item.message)
  }
}

const REASONS = {
  [Begun.rotation]: 'rotated',
  [Begun.recovery]: 'recovered',
  [Begun.continuation]: 'continues its commit',
}

function describeBegin({ header }: InspectItem & { readonly type: 'segment' }): string {
  const { begun, predecessor } = header
  if (begun === Begun.first) return 'first of the log'
  return `${REASONS[begun]} from byte ${predecessor.end} of segment ${predecessor.id}`
}

function describeFrame({ lsn, stream, kind, position, attributes, data }: InspectedFrame): string {
  const place = stream === PLAIN_STREAM ? `index ${position}` : `stream ${stream} at ${position}`
  const { term, timestamp, transactionId } = attributes
  const parts = [`LSN ${lsn}`, place]
  if (kind === FrameKind.streamDeclared) parts.push('declares a stream')
  if (kind === FrameKind.catalogSnapshot) parts.push('lists the streams')
  if (kind === FrameKind.streamBounds) parts.push('moves the bounds of a stream')
  if (term !== undefined) parts.push(`term ${term}`)
  if (timestamp !== undefined) parts.push(`timestamp ${timestamp}`)
  if (transactionId !== undefined) parts.push(`transaction ${escapeText(transactionId)}`)
  return `${parts.join(', ')}: ${excerpt(data, EXCERPT_BYTES)}`
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
