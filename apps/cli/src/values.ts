/**
 * The values of options, from what was typed. What cannot be read is refused here with what would be allowed, so
 * that no command starts on half a wish.
 */
import { InvalidArgumentError } from 'commander'

export type Durability = 'commit' | 'none' | { everyMs: number }

/** `commit`, `none`, or a time in milliseconds such as `10ms`. The log itself limits the time. */
export function parseDurability(value: string): Durability {
  if (value === 'commit' || value === 'none') return value
  const milliseconds = /^(\d+)ms$/.exec(value)?.[1]
  if (milliseconds === undefined) {
    throw new InvalidArgumentError('Use commit, none, or milliseconds such as 10ms.')
  }
  return { everyMs: Number(milliseconds) }
}

/** An entry's index: a whole number from 1. */
export function parseIndex(value: string): number {
  const index = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(index) || index < 1) {
    throw new InvalidArgumentError(`Use a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`)
  }
  return index
}

/** A position in a stream: a whole number from 0. */
export function parsePosition(value: string): number {
  const position = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(position)) {
    throw new InvalidArgumentError(`Use a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`)
  }
  return position
}

/** How many of something: a whole number from 0. */
export const parseLimit: (value: string) => number = parsePosition

/** A place in a topic, as it was typed. */
export type PlaceGiven = 'start' | 'end' | { readonly position: number } | { readonly time: Date }

/** `start`, `end`, a position, or a time as JavaScript reads it. */
export function parsePlace(value: string): PlaceGiven {
  if (value === 'start' || value === 'end') return value
  if (/^\d+$/.test(value)) return { position: parsePosition(value) }
  const time = new Date(value)
  if (Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Use start, end, a position, or a time as 2026-11-20T12:00:00Z.')
  }
  return { time }
}

const AGES: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A time such as `500ms`, `30s`, `15m`, `12h` or `7d`, in milliseconds. */
export function parseAge(value: string): number {
  const [, digits, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(value) ?? []
  const age = Number(digits) * AGES[unit ?? '']!
  if (!Number.isSafeInteger(age) || age < 1) {
    throw new InvalidArgumentError('Use a time such as 500ms, 30s, 15m, 12h or 7d.')
  }
  return age
}

/** The bytes of a delimiter; `\n`, `\r`, `\t`, `\0`, `\\` and `\xNN` stand for what a shell cannot easily pass. */
export function parseDelimiter(value: string): Buffer {
  if (value === '') throw new InvalidArgumentError('It must not be empty.')
  const parts: Buffer[] = []
  for (const [piece, escape] of value.matchAll(/\\(x[0-9a-f]{2}|[^x]|x|$)|[^\\]+/gis)) {
    parts.push(escape === undefined ? Buffer.from(piece) : unescape(escape))
  }
  return Buffer.concat(parts)
}

function unescape(escape: string): Buffer {
  if (/^x../i.test(escape)) return Buffer.from(escape.slice(1), 'hex')
  const byte = { n: 0x0a, r: 0x0d, t: 0x09, '0': 0x00, '\\': 0x5c }[escape]
  if (byte === undefined) {
    throw new InvalidArgumentError(
      'Known escapes are \\n \\r \\t \\0 \\\\ and \\xNN (two hexadecimal digits).',
    )
  }
  return Buffer.of(byte)
}

/** One of some words. */
export function parseOneOf<Word extends string>(words: readonly Word[]): (value: string) => Word {
  return (value) => {
    const word = words.find((each) => each === value)
    if (word === undefined) throw new InvalidArgumentError(`Use ${words.join(', ')}.`)
    return word
  }
}

/** A directory; the empty string is what an unset shell variable leaves behind, and is never meant. */
export function parseDirectory(value: string): string {
  if (value === '') throw new InvalidArgumentError('It must not be empty.')
  return value
}
