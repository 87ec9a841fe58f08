/**
 * `walrus truncate`: gives up the end or the front of the log, or of a stream on it.
 *
 * Without `--yes` it only says what would go. It never makes a log where there is none.
 */
import { Log } from '@walrus/log'
import { EXIT_USAGE, usageError } from '../errors.ts'
import { escapeText } from '../escape.ts'
import { plural } from '../format.ts'
import { toJsonLine } from '../json.ts'
import { print } from '../output.ts'

export interface TruncateOptions {
  readonly dir: string
  readonly keepTo?: number
  readonly from?: number
  readonly stream?: string
  readonly yes?: true
  readonly json?: true
}

/** Positions from `first` on, up to before `next`. */
interface Bounds {
  readonly first: number
  readonly next: number
}

interface Outcome {
  readonly done: boolean
  readonly stream: string
  readonly dropped: Bounds & { readonly entries: number }
  readonly left: Bounds
}

export async function truncate(options: TruncateOptions): Promise<number> {
  const { dir, keepTo, from, stream = '', yes = false } = options
  if (keepTo === undefined && from === undefined) {
    throw usageError('say what to keep: --keep-to for the end, --from for the front')
  }
  const dropped = await planned(options)
  const { first, next } = dropped.all
  const left = keepTo === undefined ? { first: dropped.next, next } : { first, next: dropped.first }
  if (yes && dropped.first < dropped.next) await doTruncate(dir, stream, keepTo, from)
  const { first: low, next: high } = dropped
  const outcome: Outcome = {
    done: yes,
    stream,
    dropped: { first: low, next: high, entries: high - low },
    left,
  }
  await print(options.json ? toJsonLine(outcome) : describe(outcome))
  return yes ? 0 : EXIT_USAGE
}

/** What would go, from a log opened for reading. */
async function planned(options: TruncateOptions): Promise<Bounds & { readonly all: Bounds }> {
  const { dir, keepTo, from, stream } = options
  const log = await Log.open(dir, { readOnly: true })
  try {
    if (stream !== undefined && !log.streams().includes(stream)) {
      throw usageError(`there is no stream ${JSON.stringify(stream)}`)
    }
    const all = boundsOf(log, stream)
    const { first, next } = all
    if (keepTo !== undefined) {
      if (keepTo < first - 1) {
        throw usageError(`--keep-to ${keepTo} is before the first entry, ${first}`)
      }
      return { first: Math.min(keepTo + 1, next), next, all }
    }
    if (from! > next) throw usageError(`--from ${from} is beyond the next index, ${next}`)
    return { first, next: Math.max(from!, first), all }
  } finally {
    await log.close()
  }
}

function boundsOf(log: Log, name: string | undefined): Bounds {
  if (name !== undefined) {
    const { first, next } = log.stream(name)
    return { first, next }
  }
  return { first: log.firstIndex || log.nextIndex, next: log.nextIndex }
}

async function doTruncate(
  dir: string,
  stream: string,
  keepTo: number | undefined,
  from: number | undefined,
): Promise<void> {
  const log = await Log.open(dir)
  try {
    const target = stream === '' ? log : log.stream(stream)
    await (keepTo === undefined ? target.truncateFront(from!) : target.truncate(keepTo))
    // What that made needless goes at once.
    await log.retain()
  } finally {
    await log.close()
  }
}

function describe({ done, stream, dropped, left }: Outcome): string {
  const of = stream === '' ? '' : ` of stream ${escapeText(stream)}`
  const { entries } = dropped
  if (entries === 0) return `nothing to drop${of}\n`
  const range = `${dropped.first} to ${dropped.next - 1}`
  const rest =
    left.first === left.next
      ? `none is left, ${left.next} comes next`
      : `${left.first} to ${left.next - 1} ${done ? 'are left' : 'would be left'}`
  const count = plural(entries, 'entry', 'entries')
  return done
    ? `dropped ${count}${of}, ${range}; ${rest}\n`
    : `would drop ${count}${of}, ${range}; ${rest}. Add --yes to do it\n`
}
