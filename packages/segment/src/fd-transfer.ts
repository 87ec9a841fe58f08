/**
 * Whole reads and writes on a descriptor.
 *
 * One system call may move less than was asked for, and moves at most 2 GiB; these go on until
 * everything has moved. They use the callbacks of `node:fs`, which cost a fraction of what its
 * promises cost.
 *
 * Invariant: positions are always given, so calls on one descriptor do not disturb one another.
 */

import { read, readSync, write, writeSync } from 'node:fs'
import { WalrusError } from '@walrus/codec'
import { systemError } from './system-error.ts'

/** Bytes moved by one call. Linux moves at most 2 GiB − 4 KiB, `node:fs` accepts at most 2 GiB − 1. */
const CALL_LIMIT = 2 ** 30

function left(buffer: Uint8Array, done: number): number {
  return Math.min(buffer.length - done, CALL_LIMIT)
}

function readFailed(cause: unknown, path: string, into: Uint8Array, at: number, done: number) {
  return systemError(cause, `read ${into.length - done} bytes`, path, at + done)
}

function writeFailed(cause: unknown, path: string, from: Uint8Array, at: number, done: number) {
  return systemError(cause, `write ${from.length - done} bytes`, path, at + done)
}

/** Without this, a call that moves nothing and reports no error would be tried for ever. */
function wroteNothing(path: string, offset: number): WalrusError {
  return new WalrusError(
    'WALRUS_IO',
    `cannot write: ${path} at byte ${offset}: the system took 0 bytes and gave no error`,
    { file: path, offset },
  )
}

/** Calls `done` with the bytes read: fewer than `into` holds only at the end of the file. */
export function readAll(
  fd: number,
  path: string,
  into: Uint8Array,
  at: number,
  done: (error: WalrusError | undefined, bytes: number) => void,
): void {
  let total = 0
  const next = (): void => {
    read(fd, into, total, left(into, total), at + total, (error, bytes) => {
      if (error) return done(readFailed(error, path, into, at, total), total)
      total += bytes
      if (bytes === 0 || total === into.length) done(undefined, total)
      else next()
    })
  }
  next()
}

/** Returns the bytes read: fewer than `into` holds only at the end of the file. */
export function readAllSync(fd: number, path: string, into: Uint8Array, at: number): number {
  let total = 0
  while (total < into.length) {
    let bytes: number
    try {
      bytes = readSync(fd, into, total, left(into, total), at + total)
    } catch (error) {
      throw readFailed(error, path, into, at, total)
    }
    if (bytes === 0) break
    total += bytes
  }
  return total
}

export function writeAll(
  fd: number,
  path: string,
  from: Uint8Array,
  at: number,
  done: (error: WalrusError | undefined) => void,
): void {
  let total = 0
  const next = (): void => {
    write(fd, from, total, left(from, total), at + total, (error, bytes) => {
      if (error) return done(writeFailed(error, path, from, at, total))
      if (bytes === 0) return done(wroteNothing(path, at + total))
      total += bytes
      if (total === from.length) done(undefined)
      else next()
    })
  }
  next()
}

export function writeAllSync(fd: number, path: string, from: Uint8Array, at: number): void {
  let total = 0
  while (total < from.length) {
    let bytes: number
    try {
      bytes = writeSync(fd, from, total, left(from, total), at + total)
    } catch (error) {
      throw writeFailed(error, path, from, at, total)
    }
    if (bytes === 0) throw wroteNothing(path, at + total)
    total += bytes
  }
}
