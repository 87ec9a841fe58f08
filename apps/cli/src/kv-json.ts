/** Keys, values and changes as JSON: text as it is, bytes that are no text in base64. */
import { isUtf8 } from 'node:buffer'
import type { KvChange } from '@walrus/kv'

type Bytes = Uint8Array

export function pairToJson(key: Bytes, value: Bytes | undefined): string {
  return JSON.stringify({ ...field('key', key), ...(value && field('value', value)) })
}

export function changeToJson(change: KvChange<Bytes, Bytes>): string {
  const { type, position } = change
  const begin = { position, type }
  if (change.type === 'clear') {
    const { from, until } = change
    const end = until && field('until', until)
    return JSON.stringify({ ...begin, ...field('from', from), ...end })
  }
  const key = field('key', change.key)
  if (change.type === 'delete') return JSON.stringify({ ...begin, ...key })
  const { value, expiresAt } = change
  const expires = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }
  return JSON.stringify({ ...begin, ...key, ...field('value', value), ...expires })
}

function field(name: string, bytes: Bytes): Record<string, string> {
  const buffer = Buffer.from(bytes)
  return isUtf8(buffer)
    ? { [name]: buffer.toString() }
    : { [`${name}Base64`]: buffer.toString('base64') }
}
