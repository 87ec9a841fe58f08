/**
 * What a group of consumers has done beyond its cursor: entries handed out and not acknowledged, or given back, and
 * those it is done with before some that come earlier. The cursor is the position before which it is done with all.
 */

/** An entry that was handed out, or given back, and is not acknowledged. */
export interface Lease {
  /** How often it was handed out. */
  readonly attempts: number
  /** When it may be handed out again, in milliseconds since the Unix epoch. */
  readonly due: number
  /** Whether it was given back: nobody holds it. */
  readonly returned: boolean
}

export class GroupState {
  readonly leases: Map<number, Lease> = new Map()
  /** Positions above the cursor's that were acknowledged. */
  readonly done: Set<number> = new Set()

  get empty(): boolean {
    return this.leases.size === 0 && this.done.size === 0
  }

  lease(position: number, lease: Lease): () => void {
    const before = this.leases.get(position)
    this.leases.set(position, lease)
    return () => {
      if (before === undefined) this.leases.delete(position)
      else this.leases.set(position, before)
    }
  }

  /**
   * Notes that it is done with an entry.
   * @returns where the cursor at `floor` goes, and how to take it back
   */
  ack(position: number, floor: number): { floor: number; undo: () => void } {
    const lease = this.leases.get(position)
    this.leases.delete(position)
    this.done.add(position)
    let next = floor
    while (this.done.delete(next)) next++
    const undo = (): void => {
      for (let each = floor; each < next; each++) this.done.add(each)
      this.done.delete(position)
      if (lease !== undefined) this.leases.set(position, lease)
    }
    return { floor: next, undo }
  }
}
