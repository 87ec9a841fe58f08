/** What an instance says without being asked: warnings and errors of its log, on stderr, unless `WALRUS_QUIET` is set. */

import type { Logger } from '@walrus/log'

export function noticesOf(environment: NodeJS.ProcessEnv): Logger | undefined {
  if (environment['WALRUS_QUIET'] !== undefined) return undefined
  const say = (...words: readonly unknown[]): void => {
    const message = words.filter((word) => typeof word === 'string').join(' ')
    process.stderr.write(`walrus: ${message}\n`)
  }
  return { debug() {}, info() {}, warn: say, error: say }
}
