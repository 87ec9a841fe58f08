/**
 * Files and directories in memory, each with what of it would survive a power loss: nothing but what was synced.
 *
 * The harshest loss that a disk may cause, and the only one: `storage-sim` has the others. Here it is the storage on
 * plain `node:fs` that is tried, whether it syncs what it promises to.
 */

export class File {
  bytes: Uint8Array = new Uint8Array(0)
  synced: Uint8Array = new Uint8Array(0)

  write(from: Uint8Array, at: number, durable: boolean): void {
    this.bytes = patched(this.bytes, from, at)
    if (durable) this.synced = patched(this.synced, from, at)
  }

  truncate(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, size))
    this.bytes = bytes
  }

  sync(): void {
    this.synced = this.bytes.slice()
  }

  lose(): void {
    this.bytes = this.synced.slice()
  }
}

export class Directory {
  names: Map<string, File | Directory> = new Map()
  synced: Map<string, File | Directory> = new Map()

  sync(): void {
    this.synced = new Map(this.names)
  }

  lose(): void {
    this.names = new Map(this.synced)
    for (const each of this.names.values()) each.lose()
  }
}

function patched(bytes: Uint8Array, from: Uint8Array, at: number): Uint8Array {
  const end = at + from.length
  let grown = bytes
  if (end > bytes.length) {
    grown = new Uint8Array(end)
    grown.set(bytes)
  }
  grown.set(from, at)
  return grown
}
