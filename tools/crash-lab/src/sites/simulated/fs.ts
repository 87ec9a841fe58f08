/** As much of `node:fs` as the storage on it uses, on a machine in memory. */

import { constants } from 'node:fs'
import { fail, machine } from './machine.ts'

export { constants }

type Done = (error: Error | null) => void
type DoneWith<T> = (error: Error | null, value: T) => void

function flagsOf(flags: number | string): number {
  if (typeof flags === 'number') return flags
  return flags === 'wx'
    ? constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
    : constants.O_RDONLY
}

export function openSync(path: string, flags: number | string): number {
  return machine.now(() => machine.open(path, flagsOf(flags)))
}

export function open(path: string, flags: number | string, ...rest: unknown[]): void {
  machine.later(
    () => machine.open(path, flagsOf(flags)),
    rest.at(-1) as DoneWith<number | undefined>,
  )
}

export function closeSync(fd: number): void {
  machine.now(() => machine.close(fd))
}

export function close(fd: number, done: Done): void {
  machine.later(() => machine.close(fd), done)
}

export function fstatSync(fd: number): unknown {
  return machine.now(() => machine.stat(machine.at(fd)))
}

export function fstat(fd: number, done: DoneWith<unknown>): void {
  machine.later(() => machine.stat(machine.at(fd)), done)
}

function part(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return bytes.subarray(offset, offset + length)
}

export function readSync(
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  at: number,
): number {
  return machine.now(() => machine.read(fd, part(into, offset, length), at))
}

export function read(
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  at: number,
  done: DoneWith<number | undefined>,
): void {
  machine.later(() => machine.read(fd, part(into, offset, length), at), done)
}

export function writeSync(
  fd: number,
  from: Uint8Array,
  offset: number,
  length: number,
  at: number,
): number {
  return machine.now(() => machine.write(fd, part(from, offset, length), at))
}

export function write(
  fd: number,
  from: Uint8Array,
  offset: number,
  length: number,
  at: number,
  done: DoneWith<number | undefined>,
): void {
  machine.later(() => machine.write(fd, part(from, offset, length), at), done, true)
}

export function fsyncSync(fd: number): void {
  machine.now(() => machine.sync(fd))
}

export function fsync(fd: number, done: Done): void {
  machine.later(() => machine.sync(fd), done, true)
}

export { fsync as fdatasync, fsyncSync as fdatasyncSync }

export function ftruncateSync(fd: number, size: number): void {
  machine.now(() => machine.truncate(fd, size))
}

export function ftruncate(fd: number, size: number, done: Done): void {
  machine.later(() => machine.truncate(fd, size), done)
}

export function renameSync(from: string, to: string): void {
  machine.now(() => machine.rename(from, to))
}

export function readFileSync(path: string): string {
  if (path.endsWith('/boot_id')) return machine.bootId
  throw fail('ENOENT', path)
}

/** There are no hints, which every system may do without. */
export function watch(path: string): never {
  throw fail('ENOSYS', path)
}
