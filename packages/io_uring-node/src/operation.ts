/** Operations: what they are made of, and their way to the native binary. */

import { type Binding, FLAG, type Memory, RESULT_DETACHED } from './binding.ts'
import { invalidType, invalidValue, systemError, UringError } from './errors.ts'

/** A file that a ring knows by its place: what `Ring.registerFiles` returns. */
export class RegisteredFile {
  /** Its place among the ring's registered files. */
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

/** A file descriptor, or a file registered with the ring. */
export type File = number | RegisteredFile

/** Options of a write. */
export interface WriteOptions {
  /** The write ends once its bytes and what is needed to find them are on disk (`RWF_DSYNC`). */
  readonly dsync?: boolean
}

/** Options of a sync. */
export interface SyncOptions {
  /** Only the bytes and what is needed to find them, as `fdatasync`. */
  readonly dataOnly?: boolean
}

/** What every operation of a batch may have. */
export interface Linked {
  /**
   * The next operation of the batch starts when this one has succeeded. If it fails or falls short,
   * those linked behind it end with `ECANCELED`.
   */
  readonly link?: boolean
}

export interface WriteOperation extends WriteOptions, Linked {
  readonly op: 'write'
  readonly fd: File
  readonly buffer: Memory
  readonly position: number
}

export interface WritevOperation extends WriteOptions, Linked {
  readonly op: 'writev'
  readonly fd: File
  readonly buffers: readonly Memory[]
  readonly position: number
}

export interface ReadOperation extends Linked {
  readonly op: 'read'
  readonly fd: File
  readonly buffer: Memory
  readonly position: number
}

export interface FsyncOperation extends SyncOptions, Linked {
  readonly op: 'fsync'
  readonly fd: File
}

/** One operation of a batch. */
export type Operation = WriteOperation | WritevOperation | ReadOperation | FsyncOperation

const OPTIONS: Record<string, readonly string[]> = {
  write: ['op', 'fd', 'buffer', 'position', 'dsync', 'link'],
  writev: ['op', 'fd', 'buffers', 'position', 'dsync', 'link'],
  read: ['op', 'fd', 'buffer', 'position', 'link'],
  fsync: ['op', 'fd', 'dataOnly', 'link'],
}

const SWITCHES = ['dsync', 'dataOnly', 'link'] as const

/**
 * A copy of what a caller gave: properties that exist, switches that are true or false. Reading it
 * runs none of the caller's code.
 */
export function copyOf(given: Operation): Operation {
  if (typeof given !== 'object' || given === null)
    throw invalidType('an operation must be an object')
  const operation = { ...given }
  const known = OPTIONS[operation.op]
  if (known === undefined)
    throw invalidValue(`op must be one of ${Object.keys(OPTIONS).join(', ')}`)
  for (const key of Object.keys(operation)) {
    if (!known.includes(key)) throw invalidValue(`${operation.op} has no option ${key}`)
  }
  const values = operation as { [name in (typeof SWITCHES)[number]]?: unknown }
  for (const name of SWITCHES) {
    const value = values[name]
    if (value !== undefined && typeof value !== 'boolean')
      throw invalidType(`${name} must be true or false`)
  }
  if (operation.op !== 'writev') return operation
  if (!Array.isArray(operation.buffers)) throw invalidType('buffers must be an array')
  return { ...operation, buffers: [...operation.buffers] }
}

/**
 * Hands an operation to the binary, which checks the rest.
 *
 * @param operation what {@link copyOf} returned
 * @param flags `submit` and `wait`
 */
export function prepare(
  native: Binding,
  ring: number,
  operation: Operation,
  flags: number,
): number {
  const { fd } = operation
  const registered = fd instanceof RegisteredFile
  const file = registered ? fd.index : fd
  let all = flags
  if (registered) all |= FLAG.registeredFile
  if (operation.link === true) all |= FLAG.link
  switch (operation.op) {
    case 'write':
      all |= operation.dsync === true ? FLAG.write | FLAG.dsync : FLAG.write
      return native.transfer(ring, all, file, operation.buffer, operation.position)
    case 'read':
      return native.transfer(ring, all, file, operation.buffer, operation.position)
    case 'writev':
      all |= operation.dsync === true ? FLAG.write | FLAG.dsync : FLAG.write
      return native.transferMany(ring, all, file, operation.buffers, operation.position)
    case 'fsync':
      if (operation.dataOnly === true) all |= FLAG.dataOnly
      return native.fsync(ring, all, file)
  }
}

/** The result the kernel gave, or an error that names what it was about. */
export function outcomeOf(
  native: Binding,
  operation: Operation,
  result: number,
): number | UringError {
  if (result >= 0) return result
  if (result === RESULT_DETACHED)
    return new UringError(
      'ERR_BUFFER_DETACHED',
      'the memory to read into was detached or cut before the read ended',
      operation.op,
    )
  return systemError(result, operation.op, about(native, operation))
}

function about(native: Binding, operation: Operation): string {
  const { fd } = operation
  const file = fd instanceof RegisteredFile ? `registered file ${fd.index}` : `fd ${fd}`
  if (operation.op === 'fsync') return `, ${file}`
  const parts = operation.op === 'writev' ? operation.buffers : [operation.buffer]
  const where = parts.map((part) => native.where(part))
  const lengths = where.map(([, length]) => length).join(' + ')
  const addresses = where.map(([address]) => `0x${address.toString(16)}`).join(', ')
  return `, ${file}, offset ${operation.position}, length ${lengths}, memory at ${addresses}`
}
