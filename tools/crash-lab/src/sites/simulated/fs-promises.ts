/** As much of `node:fs/promises` as the storage on `node:fs` uses, on a machine in memory. */

import { constants } from 'node:fs'
import { join } from 'node:path'
import { Directory } from './files.ts'
import { fail, machine } from './machine.ts'

function later<T>(call: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    machine.later(call, (error, value) => {
      if (error === null) resolve(value as T)
      else reject(error)
    })
  })
}

export function mkdir(path: string): Promise<void> {
  return later(() => machine.mkdir(path))
}

export function stat(path: string): Promise<unknown> {
  return later(() => machine.stat(machine.find(path)))
}

export function readdir(path: string): Promise<string[]> {
  return later(() => machine.list(path))
}

export function rename(from: string, to: string): Promise<void> {
  return later(() => machine.rename(from, to))
}

export function unlink(path: string): Promise<void> {
  return later(() => machine.remove(path))
}

export function rm(path: string): Promise<void> {
  return later(() => removeAll(path))
}

function removeAll(path: string): void {
  const node = machine.find(path)
  if (node instanceof Directory) for (const name of machine.list(path)) removeAll(join(path, name))
  machine.remove(path)
}

export async function open(path: string): Promise<unknown> {
  const fd = await later(() => machine.open(path, constants.O_RDONLY))
  return {
    fd,
    read: async (into: Uint8Array, offset: number, length: number, at: number) => ({
      bytesRead: await later(() => machine.read(fd, into.subarray(offset, offset + length), at)),
    }),
    close: () => later(() => machine.close(fd)),
  }
}

/** Nothing is known of processes but the numbering they are from. */
export function readFile(path: string): Promise<string> {
  return Promise.reject(fail('ENOENT', path))
}

export function readlink(path: string): Promise<string> {
  return path === '/proc/self/ns/pid'
    ? Promise.resolve('pid:[1]')
    : Promise.reject(fail('ENOENT', path))
}
