/**
 * Storage: files without a format, and the world around them.
 *
 * Everything the engine does to a disk, and everything it learns of time, chance and the machine,
 * goes through this interface, so that a simulated disk sees and replays all of it. An
 * implementation knows nothing of segments or entries; the engine knows nothing of descriptors.
 *
 * Contract, checked by `@walrus/segment/contract` for every implementation:
 * - A write is all or throws. After a throw, any part of the range may hold the new bytes.
 * - A write with `durable` returns once those bytes, and the file size that covers them, survive a
 *   power loss. It promises nothing about earlier writes.
 * - `sync` covers every write completed before it was called. After it has thrown, what was not
 *   synced before must be taken for lost, whatever a later `sync` says.
 * - A created, renamed or removed name survives a power loss only after `syncDir` of its directory.
 * - Every failure is a `WalrusError`: `WALRUS_DISK_FULL` where space or quota ran out,
 *   `WALRUS_NOT_FOUND`, `WALRUS_ALREADY_EXISTS`, `WALRUS_NOT_A_DIRECTORY`,
 *   `WALRUS_PERMISSION_DENIED` (also for a read-only file system), `WALRUS_LOCKED` from `lock`,
 *   `WALRUS_CLOSED` on a closed file, `WALRUS_IO` for the rest; `file` (and `offset`) say where,
 *   `cause` is the system's own error.
 */

/** Who holds the writer's lock, as the loser of a race is told. */
export interface Holder {
  /** Process id, in the numbering of `host`. */
  readonly pid: number
  /** Host name. */
  readonly host: string
  /** When the lock was taken, in milliseconds since the Unix epoch. */
  readonly since: number
}

/** The writer's lock on a directory. It dies with its process. */
export interface Lock {
  /** Counts the holders a directory has had; each has a higher one than all before. From 1. */
  readonly epoch: number
  /** Lets go. May be called twice. */
  release(): Promise<void>
}

/** A timer that can be called off. */
export interface Timer {
  cancel(): void
}

/** Time, chance and the machine. */
export interface Environment {
  /** Wall clock, in whole milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Milliseconds with fractions from some beginning; never runs backwards. For durations. */
  elapsed(): number
  /** Fills `into` with random bytes. */
  random(into: Uint8Array): void
  /** Calls `run` once, after about `ms` milliseconds. Keeps the process alive until then only if asked to. */
  after(ms: number, run: () => void, keepAlive?: boolean): Timer
  /** Calls `run` once, after the work now due in this turn of the event loop. Keeps the process alive. */
  soon(run: () => void): void
  /** A name for this run of the machine: the same until it reboots, another afterwards. */
  readonly bootId: string
  /** Process id and host name, for the lock. */
  readonly pid: number
  readonly host: string
}

/** How a file is opened: for reading; for reading and writing; created anew (it must not exist), then the same. */
export type OpenMode = 'read' | 'write' | 'create'

export interface StorageFile {
  /** What errors call it; whoever renames an open file sets it anew. Nothing is opened by it. */
  path: string
  /** Size in bytes. */
  size(): Promise<number>
  sizeSync(): number
  /** Fills `into` from byte `at`; resolves to the bytes read, fewer than asked only at the end of the file. */
  read(into: Uint8Array, at: number): Promise<number>
  readSync(into: Uint8Array, at: number): number
  /** Writes all of `from` at byte `at`, growing the file if need be. `from` must stay as it is until then. */
  write(from: Uint8Array, at: number, durable: boolean): Promise<void>
  writeSync(from: Uint8Array, at: number, durable: boolean): void
  /** Makes every completed write durable. */
  sync(): Promise<void>
  syncSync(): void
  /** Cuts or extends (with zeros) to `size` bytes. Not durable before `sync`. */
  truncate(size: number): Promise<void>
  truncateSync(size: number): void
  /** The file's own memory, empty once the file is closed; `undefined` where the storage cannot. */
  view(at: number, length: number): Uint8Array | undefined
  /** May be called twice. Does not sync. */
  close(): Promise<void>
  closeSync(): void
}

/** Checksums that native code computes quicker than JavaScript, to the same result. */
export interface NativeChecksums {
  /** CRC-32 of `bytes[from]` up to `bytes[to]`; `value` is that of what came before, or 0. */
  crc32(bytes: Uint8Array, value: number, from: number, to: number): number
  /**
   * The raw register after each of `count` units, which begins with `register` anew for each. The first unit begins
   * at `from`; unit `i` ends at `ends[i]`, and the next one begins 4 bytes behind that.
   */
  crc32Units(
    bytes: Uint8Array,
    from: number,
    ends: Uint32Array,
    count: number,
    register: number,
    into: Int32Array,
  ): void
}

export interface Storage {
  /** For messages and statistics: `fd`, `mmap`, … */
  readonly name: string
  /** Commit groups begin and end on multiples of this many bytes. 1: anywhere. */
  readonly align: number
  /** Whether `view` gives memory. */
  readonly canView: boolean
  /** Whether a durable write over zeros that are already durable is cheaper than one that grows the file. */
  readonly zeroAhead: boolean
  readonly env: Environment
  /** Where the storage has native code anyway. Used in place of JavaScript where it is quicker. */
  readonly checksums?: NativeChecksums | undefined

  /**
   * Takes the writer's lock of a directory.
   * @throws `WALRUS_LOCKED`, naming the holder's pid and host, when another writer lives.
   */
  lock(dir: string): Promise<Lock>
  /** Whether a writer holds the lock now. Changes nothing on disk. */
  locked(dir: string): Promise<Holder | undefined>
  /** The names in a directory, in no particular order. */
  list(dir: string): Promise<string[]>
  open(path: string, mode: OpenMode): Promise<StorageFile>
  openSync(path: string, mode: OpenMode): StorageFile
  /** Makes a directory and the missing ones above it; one that exists is fine. */
  mkdir(dir: string): Promise<void>
  /** Renames a file over whatever has that name. */
  rename(from: string, to: string): Promise<void>
  renameSync(from: string, to: string): void
  remove(path: string): Promise<void>
  /** Makes the names in a directory durable. */
  syncDir(dir: string): Promise<void>
  syncDirSync(dir: string): void
  /** Calls `changed` when a file may have changed. A hint: calls may be missing or too many. */
  watch(path: string, changed: () => void): { close(): void }
}
