// A workspace in a temporary directory, small, with the storage interface of the real one, to derive sites from.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { deriveSites } from '../src/sites/derive.ts'
import type { Site } from '../src/sites/site.ts'

const STORAGE = `
export interface StorageFile {
  size(): Promise<number>
  read(into: Uint8Array, at: number): Promise<number>
  write(from: Uint8Array, at: number, durable: boolean): Promise<void>
  writeSync(from: Uint8Array, at: number, durable: boolean): void
  sync(): Promise<void>
  syncSync(): void
  close(): Promise<void>
}
export interface Storage {
  open(path: string): Promise<StorageFile>
  syncDir(dir: string): Promise<void>
  syncDirSync(dir: string): void
}
`
const CODEC = `
export function crc32(bytes: Uint8Array): number { return bytes.length }
`
/** A type that is decoded, and one that is not. */
const HEADER = `
import { crc32 } from '@walrus/codec'
export interface Header { readonly id: number; readonly closed: boolean; readonly link: Link | undefined }
export interface Link { readonly end: number }
export interface Options { readonly size: number }
export function decodeHeader(bytes: Uint8Array): Header | undefined {
  return { id: bytes[0]!, closed: true, link: undefined }
}
export { crc32 }
`

/** The sites of a workspace whose log package has this file, `log/a.ts`; those of the files around it left out. */
export function sitesOf(text: string, more: Record<string, string> = {}): Site[] {
  const root = mkdtempSync(join(tmpdir(), 'walrus-sites-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const files = {
    'codec/src/index.ts': CODEC,
    'segment/src/storage.ts': STORAGE,
    'segment/src/header.ts': HEADER,
    'segment/src/index.ts': `export * from './storage.ts'\nexport * from './header.ts'`,
    'log/src/a.ts': `import { type Storage, type StorageFile, type Header, type Options, decodeHeader, crc32 } from '@walrus/segment'\n${text}\nexport type Used = [Storage, StorageFile, Header, Options, typeof decodeHeader, typeof crc32]`,
    ...more,
  }
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, 'packages', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  for (const name of ['codec', 'segment', 'log']) {
    writeFileSync(join(root, 'packages', name, 'package.json'), '{ "type": "module" }')
  }
  return deriveSites(root).filter((site) => site.file !== 'header.ts')
}

/** Each site with what stands there, and what it becomes. */
export function shown(sites: readonly Site[]): string[] {
  return sites.map(({ name, text }) => `${name}: ${text}`)
}

/** What stands in place of a site's first edit. */
export function instead(site: Site | undefined): string | undefined {
  return site?.edits[0]?.text
}
