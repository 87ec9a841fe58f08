/**
 * What came out against what went in, byte for byte, while it streams.
 */
import { countNewlines, type Input } from './input.ts'

/** How much of the input came out unchanged. */
export interface Matched {
  readonly bytes: number
  readonly lines: number
}

/** Output that is not the beginning of the input. */
export class Difference extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Difference'
  }
}

/**
 * Reads `output` to its end.
 * @throws {@link Difference}, naming line and byte, unless it is a beginning of `input` that ends with a whole line
 */
export async function matchBeginning(
  output: AsyncIterable<Buffer>,
  input: Input,
): Promise<Matched> {
  let bytes = 0
  let lines = 0
  let buffer = Buffer.alloc(0)
  let last = 0x0a
  for await (const chunk of output) {
    if (buffer.length < chunk.length) buffer = Buffer.allocUnsafe(chunk.length)
    const expected = await input.read(buffer.subarray(0, chunk.length), bytes)
    if (!chunk.equals(expected)) throw difference(chunk, expected, bytes, lines)
    bytes += chunk.length
    lines += countNewlines(chunk)
    last = chunk.at(-1) ?? last
  }
  if (last !== 0x0a)
    throw new Difference(`the output ends inside line ${lines + 1}, at byte ${bytes}`)
  return { bytes, lines }
}

function difference(got: Buffer, expected: Buffer, offset: number, lines: number): Difference {
  let at = 0
  while (at < expected.length && got[at] === expected[at]) at++
  const line = lines + countNewlines(expected.subarray(0, at)) + 1
  const place = `line ${line}, byte ${offset + at}`
  if (at === expected.length)
    return new Difference(`${place}: the output goes on after the end of the input`)
  const show = (bytes: Buffer): string =>
    JSON.stringify(bytes.subarray(at, at + 40).toString('latin1'))
  return new Difference(`${place}: expected ${show(expected)}, got ${show(got)}`)
}
