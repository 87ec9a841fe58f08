/**
 * Loads the native binary: the one compiled here, else the one that came with the package.
 *
 * Importing never throws. Without a binary every call does, with the reason.
 */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { UringUnsupportedError } from './errors.ts'

/** What an operation works on: all of an `ArrayBuffer`, or the part a view shows. */
export type Memory = ArrayBuffer | NodeJS.ArrayBufferView

/** What the binary's functions take as `flags`; the same numbers stand in native/transfer.c. */
export const FLAG = {
  write: 1,
  dsync: 2,
  link: 4,
  registeredFile: 8,
  submit: 16,
  wait: 32,
  dataOnly: 64,
} as const

/** Result of a read whose destination was detached; the same number stands in native/ring.h. */
export const RESULT_DETACHED: number = -(2 ** 31)

/**
 * The binary's functions; they check every argument themselves. A ring is known by its id. Where
 * the kernel can refuse, the result is a negative error number. An operation is known by a small
 * number, the complement of which says that some operation is to be taken already.
 */
export interface Binding {
  start(deliver: (ring: number) => void): void
  probe(): number
  allocate(bytes: number): ArrayBuffer
  /** Address and length of its bytes. */
  where(buffer: Memory): [number, number]
  open(entries: number): number
  close(ring: number): boolean
  transfer(ring: number, flags: number, fd: number, buffer: Memory, position: number): number
  transferMany(
    ring: number,
    flags: number,
    fd: number,
    buffers: readonly Memory[],
    position: number,
  ): number
  fsync(ring: number, flags: number, fd: number): number
  submit(ring: number, flags: number): number
  discard(ring: number): void
  take(ring: number, into: Int32Array): number
  registerFiles(ring: number, fds: readonly number[]): number
  updateFile(ring: number, index: number, fd: number): number
  unregisterFiles(ring: number): number
  registerBuffers(ring: number, buffers: readonly Memory[]): number
  unregisterBuffers(ring: number): number
}

const platform = `${process.platform}-${process.arch}`
const loaded = load(['../build/io_uring-node.node', `../prebuilds/${platform}/io_uring-node.node`])

function load(candidates: readonly string[]): Binding | string {
  if (process.platform !== 'linux') return `io_uring is a part of Linux, and this is ${platform}`
  const require = createRequire(import.meta.url)
  const failed: string[] = []
  for (const candidate of candidates) {
    const path = fileURLToPath(new URL(candidate, import.meta.url))
    if (!existsSync(path)) continue
    try {
      return require(path) as Binding
    } catch (error) {
      failed.push(`${path} does not load: ${(error as Error).message}`)
    }
  }
  if (failed.length > 0) return failed.join('; ')
  return `no binary came with it for ${platform}, and none was compiled when it was installed (that takes a C compiler as cc or $CC)`
}

/** The binary, or why there is none. */
export function loadedBinding(): Binding | string {
  return loaded
}

/** @throws {@link UringUnsupportedError} `WALRUS_NATIVE_MISSING` */
export function binding(): Binding {
  if (typeof loaded === 'string') throw new UringUnsupportedError('WALRUS_NATIVE_MISSING', loaded)
  return loaded
}
