/**
 * Standard input as chunks that can be stopped between any two.
 *
 * Reading is pulled: while the caller is busy with a chunk, no more than one other is read ahead, so a producer in
 * a pipe is held back.
 */
import { createReadStream, fstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'

const FILE_CHUNK_BYTES = 256 * 1024
const STDIN = 0

export interface Input {
  readonly stream: Readable
  /** Its size, where it is a file. */
  readonly bytes: number | undefined
  /** Whether a person is typing it. */
  readonly isTerminal: boolean
}

export function standardInput(): Input {
  const stats = fstatSync(STDIN)
  const isTerminal = isatty(STDIN)
  if (stats.isFIFO() || stats.isSocket() || isTerminal) {
    return { stream: process.stdin, bytes: undefined, isTerminal }
  }
  // Node's own stream reads files in small pieces, and a directory or block device not at all, without an error.
  const stream = createReadStream('', {
    fd: STDIN,
    autoClose: false,
    highWaterMark: FILE_CHUNK_BYTES,
  })
  return { stream, bytes: stats.isFile() ? stats.size : undefined, isTerminal }
}

/**
 * The chunks of `stream` until its end, or until `signal` aborts; what the stream had already read by then is
 * still handed out. The stream is destroyed at the end, so that it does not keep the process alive.
 */
export async function* chunksOf(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  let wake = (): void => {}
  let ended = false
  let failure: Error | undefined
  const onEnd = (): void => {
    ended = true
    wake()
  }
  const onError = (error: Error): void => {
    failure = error
    wake()
  }
  const onChange = (): void => wake()
  stream.on('readable', onChange).on('end', onEnd).on('error', onError)
  signal.addEventListener('abort', onChange)
  try {
    for (;;) {
      const stopping = signal.aborted
      const chunk = stream.read() as Buffer | null
      if (chunk !== null) yield chunk
      if (failure !== undefined) throw failure
      if (ended || stopping) return
      if (chunk === null && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    signal.removeEventListener('abort', onChange)
    // The listener for errors stays: what a destroyed stream has to say must not end the process.
    stream.off('readable', onChange).off('end', onEnd)
    stream.destroy()
  }
}

/** All of a stream, in memory. */
export async function wholeOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of chunksOf(stream, new AbortController().signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
