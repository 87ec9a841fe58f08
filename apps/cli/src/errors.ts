/**
 * Failures as a person at a shell sees them: one line with a code, hints below, an exit code.
 *
 * The exit codes are part of the interface: 0 done, 1 failed, 2 the command line is wrong, 3 corruption found,
 * 128 + n stopped by signal n. A stack trace is printed only where WALRUS_DEBUG is set.
 */
import { inspect, styleText } from 'node:util'
import { WalrusError } from '@walrus/codec'
import { escapeText } from './escape.ts'

export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2
export const EXIT_CORRUPT = 3

/** Codes that say stored bytes are not what was once written. */
const CORRUPTION = new Set([
  'WALRUS_CORRUPT',
  'WALRUS_CHECKSUM_MISMATCH',
  'WALRUS_SEGMENT_MISSING',
  'WALRUS_FOREIGN_FILE',
])

/** Codes that say the command line asked for something no log can do. */
const USAGE = new Set(['WALRUS_USAGE', 'WALRUS_INVALID_OPTION'])

/** A failure with lines to print below it that say what the person can do next. */
export class HintedError extends WalrusError {
  readonly hints: readonly string[]

  constructor(error: WalrusError, hints: readonly string[]) {
    super(error.code, error.message, { cause: error })
    this.hints = hints
  }
}

/** A command line that cannot be obeyed. */
export function usageError(message: string, hints: readonly string[] = []): HintedError {
  return new HintedError(new WalrusError('WALRUS_USAGE', message), hints)
}

/** Whether an error or a damage with this code says that stored bytes are not what was written. */
export function isCorruption(code: string): boolean {
  return CORRUPTION.has(code)
}

export function exitCodeOf(error: unknown): number {
  const code = codeOf(error)
  if (isCorruption(code)) return EXIT_CORRUPT
  return USAGE.has(code) ? EXIT_USAGE : EXIT_FAILURE
}

/** What is printed on standard error for `error`, each line ended. */
export function describe(error: unknown): string {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const name = styleText('red', 'walrus:', { stream: process.stderr })
  const lines = [
    `${name} ${oneLine(message)} (${code})`,
    ...hintsOf(error, code).map((hint) => `  ${hint}`),
  ]
  if (process.env['WALRUS_DEBUG']) lines.push(...inspect(error).split('\n').map(escapeText))
  return `${lines.join('\n')}\n`
}

/** A system error keeps the system's own code (`EACCES`); an error without one is a fault of this program. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'WALRUS_INTERNAL'
}

function hintsOf(error: unknown, code: string): readonly string[] {
  if (error instanceof HintedError) return error.hints
  if (code === 'WALRUS_INTERNAL') {
    return ['This is a fault of walrus itself. Set WALRUS_DEBUG=1 to see where it happened.']
  }
  if (code === 'WALRUS_NOT_FOUND' || code === 'WALRUS_NOT_A_DIRECTORY') {
    return ['Say where the log is with --dir or WALRUS_DATA_DIR.']
  }
  if (isCorruption(code)) {
    return ['walrus verify lists everything that is damaged, and changes nothing.']
  }
  return []
}

/** Messages name files and values that somebody else chose, so they are escaped like any other data. */
function oneLine(message: string): string {
  return escapeText(message.trim())
}
