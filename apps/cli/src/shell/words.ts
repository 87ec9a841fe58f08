/**
 * Lines of the shell, taken apart: a command, and bytes in words.
 *
 * A word is what has no space in it; or what stands in double quotes, where `\n \r \t \0 \\ \" \xNN` stand for what
 * cannot be typed. What a `SET` takes as the value is the rest of the line, as it stands, unless it begins with a
 * quote.
 */

export class LineError extends Error {}

export interface Line {
  /** As it was typed; empty for a line that has nothing. */
  readonly command: string
  /** What follows it. */
  readonly rest: string
}

export function parseLine(line: string): Line {
  const [, command = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/su.exec(line) ?? []
  return { command, rest }
}

/** The first word of a text, and what follows it. */
export function firstWord(text: string): { word: Buffer; rest: string } {
  if (!text.startsWith('"')) {
    const [word = ''] = /^\S*/u.exec(text) ?? []
    return { word: Buffer.from(word), rest: text.slice(word.length).trimStart() }
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"/su.exec(text)
  if (quoted === null) throw new LineError('the closing quote is missing')
  const rest = text.slice(quoted[0].length)
  if (rest !== '' && !/^\s/u.test(rest))
    throw new LineError('a space is missing behind the closing quote')
  return { word: unescape(quoted[1]!), rest: rest.trimStart() }
}

/** A text that must be one word, or none where it is empty. */
export function onlyWord(text: string): Buffer {
  const { word, rest } = firstWord(text)
  if (rest !== '') throw new LineError(`there is something behind it: ${rest}`)
  return word
}

/** The rest of a line as a value. */
export function valueOf(text: string): Buffer {
  return text.startsWith('"') ? onlyWord(text) : Buffer.from(text)
}

/** A word that reads as these bytes. */
export function quote(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  const plain = Buffer.from(bytes).toString()
  if (/^[^\s"\p{Cc}\ufffd]+$/u.test(plain)) return plain
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/[^ -~]/g, (character) => {
    const code = character.charCodeAt(0)
    return `\\x${code.toString(16).padStart(2, '0')}`
  })
  return `"${escaped}"`
}

const NAMED: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  '0': 0x00,
  '\\': 0x5c,
  '"': 0x22,
}

function unescape(text: string): Buffer {
  const parts: Buffer[] = []
  for (const [piece, escape] of text.matchAll(/\\(x[0-9a-f]{2}|.)|[^\\]+/gisu)) {
    if (escape === undefined) {
      parts.push(Buffer.from(piece))
    } else if (/^x../iu.test(escape)) {
      parts.push(Buffer.from(escape.slice(1), 'hex'))
    } else {
      const byte = NAMED[escape]
      if (byte === undefined) {
        throw new LineError(`unknown escape ${piece}; known are \\n \\r \\t \\0 \\\\ \\" and \\xNN`)
      }
      parts.push(Buffer.of(byte))
    }
  }
  return Buffer.concat(parts)
}
