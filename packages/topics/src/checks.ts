/** Checks of what callers hand over, and what is said of what is wrong with it. */

import { invalid } from './errors.ts'

/** The longest time a timer can be set to, in milliseconds. */
export const LATEST_MS: number = 2 ** 31 - 1

/** A value as a message names it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Refuses an options object that is none, or has a property not among `names`. */
export function checkNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`${what}: options must be an object, got ${show(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw invalid(`${what} has no option ${JSON.stringify(name)}; it has ${names.join(', ')}`)
  }
}

/** Refuses a number that is not an integer from `least` to `most`. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number
  }
  throw invalid(`${name} must be an integer from ${least} to ${most}, got ${show(value)}`)
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(`${name} must be true or false, got ${show(value)}`)
}

/** Refuses what cannot end a wait. */
export function checkWaiting(signal: unknown, timeoutMs: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid('signal must be an AbortSignal')
  }
  if (timeoutMs !== undefined) checkInteger('timeoutMs', timeoutMs, 1, LATEST_MS)
}
