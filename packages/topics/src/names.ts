/**
 * Names of topics and cursors, and the streams that topics are.
 *
 * A name is data: any well-formed text of up to 1,024 bytes of UTF-8. It is never a path, nor part of one.
 */

import { invalid } from './errors.ts'
import { show } from './checks.ts'

/** The stream of the state of all topics. No topic's stream is called so, whatever the topic's name. */
export const STATE_STREAM = 'topics'
const PREFIX = 'topic:'
const MAX_NAME_BYTES = 1024

export function streamOf(topic: string): string {
  return PREFIX + topic
}

/** The topic that a stream is; `undefined` for another's stream. */
export function topicOf(stream: string): string | undefined {
  return stream.startsWith(PREFIX) ? stream.slice(PREFIX.length) : undefined
}

/** @param what whose name it is: `a topic`, say */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== 'string')
    throw invalid(`the name of ${what} must be a string, got ${show(name)}`)
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_NAME_BYTES) {
    throw invalid(
      `the name of ${what} may have ${MAX_NAME_BYTES} bytes of UTF-8, got ${bytes}; nothing was written`,
    )
  }
  if (/\p{Surrogate}/u.test(name)) throw invalid(`the name of ${what} must be well-formed Unicode`)
  return name
}
