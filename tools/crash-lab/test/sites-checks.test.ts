import { describe, expect, test } from 'vitest'
import { instead, shown, sitesOf } from './small-workspace.ts'

/** Each site as `what stands there => what it becomes`. */
const becomes = (text: string) => sitesOf(text).map((site) => `${site.text} => ${instead(site)}`)

describe('a comparison of what comes from disk is a site', () => {
  test('where a branch throws or rejects: that is not taken', () => {
    expect(
      becomes(`
        export function a(header: Header): string | undefined {
          if (header.id !== 3) throw new Error()
          if (header.id > 9 || header.closed) return undefined
          if (!header.closed) return 'bad'
          return header.link !== undefined && header.link.end < 5 ? 'good' : undefined
        }
      `),
    ).toEqual([
      'header.id !== 3 => (false)',
      'header.id > 9 => (false)',
      'header.closed => (false)',
      'header.closed => (true)',
      'header.link.end < 5 => (true)',
    ])
  })

  test('where the block ends by throwing: that what goes before is taken', () => {
    expect(
      becomes(`
        export function a(header: Header): number {
          if (header.id === 1) return 7
          throw new Error()
        }
      `),
    ).toEqual(['header.id === 1 => (true)'])
  })

  test('where a function answers with it, and each part by itself', () => {
    expect(
      becomes(`
        export function joins({ id, closed }: Header, next: Header): boolean {
          return id === next.id && !closed
        }
        export function all(headers: Header[]): void {
          if (!headers.every((header) => header.id === 2)) throw new Error()
          if (!joins(headers[0]!, headers[1]!)) throw new Error()
        }
      `),
    ).toEqual([
      'id === next.id => (true)',
      'header.id === 2 => (true)',
      'joins(headers[0]!, headers[1]!) => (joins(headers[0]!, headers[1]!), true)',
    ])
  })

  test('also by way of constants and functions, and where it is used later', () => {
    expect(
      becomes(`
        const first = (bytes: Uint8Array) => bytes[0]!
        export function a(bytes: Uint8Array): void {
          const size = first(bytes) * 4
          const end = size + 3
          const fits = end <= 100
          if (!fits) throw new Error()
        }
      `),
    ).toEqual(['end <= 100 => (true)'])
  })

  test('of a size only where a branch rejects', () => {
    expect(
      becomes(`
        export async function a(file: StorageFile, bytes: Uint8Array): Promise<number> {
          const read = await file.read(bytes, 0)
          if (read < 10) throw new Error()
          if (read === 12) return bytes[0]!
          return 1
        }
      `),
    ).toEqual(['read < 10 => (false)'])
  })

  test('but not a bound of a loop, a choice of two numbers, an option, or what nothing rejects', () => {
    expect(
      becomes(`
        export function a(header: Header, options: Options): number {
          let sum = 0
          for (let at = 0; at < header.id; at++) if (at > header.id) continue
          while (sum < header.id) sum++
          if (options.size > 5) throw new Error()
          if (header.id > 4) sum++
          return header.id > 3 ? 1 : 2
        }
        export function unread(size: number): void { if (size < 3) throw new Error() }
      `),
    ).toEqual([])
  })
})

describe('a checksum that is compared is a site', () => {
  test('and passes when it matches, wherever the answer goes', () => {
    const sites = sitesOf(`
      export function isWhole(bytes: Uint8Array, check: number): boolean { return crc32(bytes) === check }
      export function open(bytes: Uint8Array): number {
        const computed = crc32(bytes)
        if (computed !== bytes[3]) throw new Error()
        const trusted = isWhole(bytes, 7)
        return trusted ? 1 : 2
      }
    `)
    expect(shown(sites)).toEqual([
      'log/a.ts isWhole checksum#1: crc32(bytes) === check',
      'log/a.ts open checksum#1: computed !== bytes[3]',
      'log/a.ts open checksum#2: isWhole(bytes, 7)',
    ])
    expect(sites.map(instead)).toEqual(['(true)', '(false)', '(isWhole(bytes, 7), true)'])
  })

  test('while one that is written is none', () => {
    expect(
      becomes(`export function close(bytes: Uint8Array): void { bytes[3] = crc32(bytes) }`),
    ).toEqual([])
  })
})
