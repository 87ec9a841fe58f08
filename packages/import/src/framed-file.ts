/**
 * Files that are one frame behind the other, each as long as it says itself: those of the Go log and of the Go
 * key-value store.
 *
 * Neither protects the length. So where a frame is not whole it is looked whether a whole one stands anywhere behind
 * it: then, or in any file but the last, it is damage; only otherwise, and where the bytes end early, a torn end.
 */

import type { Findings } from './findings.ts'
import type { SourceFile } from './source-file.ts'

/** A layout of frames. */
export interface Framing<T> {
  /** What a frame is called in messages. */
  readonly name: string
  /** Bytes that tell a frame's size. */
  readonly head: number
  /** Whether a frame can begin with these bytes, and be as long as it says: at least `head`. */
  begins(head: Uint8Array): boolean
  /** Bytes of the frame as its length says, then as what else it says of itself does: this may be damaged, or that. */
  sizes(head: Uint8Array): readonly [number, ...number[]]
  /** The frame in these bytes, which are as many as it says. Throws where they are not whole. */
  decode(bytes: Uint8Array): T
}

/** A frame where it was found. */
export interface Framed<T> {
  readonly value: T
  readonly at: number
  readonly next: number
}

type Attempt<T> =
  | Framed<T>
  | { readonly why: string; readonly isShort: boolean; readonly cause?: unknown }

/** Bytes between two looks at whether something whole stands there. */
const SEARCH_BYTES = 0x1_0000

/**
 * The frames of a file from a place on. A value may share memory with the file's window: use it before the next.
 * @param isLast whether nothing was written after this file
 */
export async function* framesOf<T>(
  file: SourceFile,
  from: number,
  framing: Framing<T>,
  isLast: boolean,
  findings: Findings,
): AsyncGenerator<Framed<T>> {
  let at = from
  while (at < file.size) {
    const found = attemptHere(file, at, framing) ?? (await attempt(file, at, framing))
    if ('value' in found) {
      yield found
      at = found.next
      continue
    }
    const next = await whereNext(file, at, framing)
    const bytes = next - at
    if (next === file.size && isLast && found.isShort) {
      findings.torn(file.path, at, bytes, `the last ${framing.name} is not whole (${found.why})`)
    } else {
      const what = `a damaged ${framing.name} (${found.why})`
      findings.damaged(file.path, at, bytes, what, found.cause)
    }
    at = next
  }
}

/** Whether a whole frame of this layout stands at the beginning of a file. */
export async function startsWhole<T>(file: SourceFile, framing: Framing<T>): Promise<boolean> {
  return 'value' in (await attempt(file, 0, framing))
}

/** The frame, if it is whole, and in the window: most are, and need not be waited for. */
function attemptHere<T>(file: SourceFile, at: number, framing: Framing<T>): Framed<T> | undefined {
  const head = file.here(at, framing.head)
  if (head === undefined || !framing.begins(head)) return undefined
  const bytes = file.here(at, framing.sizes(head)[0])
  if (bytes === undefined) return undefined
  try {
    return { value: framing.decode(bytes), at, next: at + bytes.length }
  } catch {
    return undefined
  }
}

async function attempt<T>(file: SourceFile, at: number, framing: Framing<T>): Promise<Attempt<T>> {
  const left = file.size - at
  const head = await file.bytes(at, framing.head)
  if (head.length < framing.head) {
    return { why: `${left} bytes are left`, isShort: true }
  }
  if (!framing.begins(head)) return { why: 'none begins so', isShort: false }
  const [size] = framing.sizes(head)
  if (size > left) return { why: `it says ${size} bytes, ${left} are left`, isShort: true }
  try {
    return { value: framing.decode(await file.bytes(at, size)), at, next: at + size }
  } catch (cause) {
    return { why: cause instanceof Error ? cause.message : String(cause), isShort: false, cause }
  }
}

/** Where the next whole frame stands behind one that is not; the file's size when there is none. */
async function whereNext<T>(file: SourceFile, at: number, framing: Framing<T>): Promise<number> {
  const head = await file.bytes(at, framing.head)
  // What it holds may look like a frame itself, so what it says of its own size goes first.
  if (head.length === framing.head) {
    const [size, ...others] = framing.sizes(head)
    if (at + size > file.size && others.includes(size)) return file.size
    const ends = [size, ...others].map((each) => at + each)
    for (const end of ends) if ('value' in (await attempt(file, end, framing))) return end
    if (ends.includes(file.size)) return file.size
  }
  for (let from = at + 1; from + framing.head <= file.size; from += SEARCH_BYTES) {
    const some = await file.bytes(from, SEARCH_BYTES + framing.head - 1)
    const likely = likelyIn(some, framing, file.size - from)
    for (const offset of likely) {
      if ('value' in (await attempt(file, from + offset, framing))) return from + offset
    }
  }
  return file.size
}

function likelyIn<T>(bytes: Uint8Array, framing: Framing<T>, left: number): number[] {
  const likely: number[] = []
  for (let at = 0; at + framing.head <= bytes.length; at++) {
    const head = bytes.subarray(at, at + framing.head)
    if (framing.begins(head) && framing.sizes(head)[0] <= left - at) likely.push(at)
  }
  return likely
}
