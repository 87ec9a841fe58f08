/**
 * What a topic remembers of a producer: the last sequences it has seen, and where their entries are. A retry of one of
 * them finds the entries of the first try.
 */

/** Sequences remembered of each producer. */
export const REMEMBERED = 64

/** What a sequence has brought. */
export interface Produced {
  readonly sequence: number
  /** Position of its first entry. */
  readonly position: number
  readonly count: number
}

export class ProducerState {
  readonly number: number
  readonly name: string
  declared = false
  /** In the order of their sequences. */
  recent: readonly Produced[] = []
  /** When it was heard last, in milliseconds since the Unix epoch. */
  time = 0

  constructor(number: number, name: string) {
    this.number = number
    this.name = name
  }

  add(produced: Produced, time: number): () => void {
    const { recent: before, time: timeBefore } = this
    const all = [...before, produced].sort((a, b) => a.sequence - b.sequence)
    this.recent = all.slice(-REMEMBERED)
    this.time = time
    return () => {
      this.recent = before
      this.time = timeBefore
    }
  }
}

/** The producers of a topic; those that the log does not know yet, too. */
export class Producers {
  readonly #byName = new Map<string, ProducerState>()
  readonly #byNumber = new Map<number, ProducerState>()
  #nextNumber = 0

  get size(): number {
    return this.#byName.size
  }

  /** Those heard last come last. */
  all(): IterableIterator<ProducerState> {
    return this.#byName.values()
  }

  named(name: string): ProducerState {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const producer = new ProducerState(this.#nextNumber, name)
    this.heard(producer)
    return producer
  }

  /** The producer of this number, and of this name. */
  numbered(number: number, name: string): ProducerState {
    const known = this.#byNumber.get(number)
    const producer = known?.name === name ? known : new ProducerState(number, name)
    this.heard(producer)
    return producer
  }

  find(number: number): ProducerState | undefined {
    return this.#byNumber.get(number)
  }

  /** It is the one that was heard last from now on. */
  heard(producer: ProducerState): void {
    this.#byName.delete(producer.name)
    this.#byName.set(producer.name, producer)
    this.#byNumber.set(producer.number, producer)
    this.#nextNumber = Math.max(this.#nextNumber, producer.number + 1)
  }

  /** Forgets the one that has not been heard for the longest time; returns it. */
  forgetOldest(): ProducerState {
    const [oldest] = this.#byName.values()
    this.#byName.delete(oldest!.name)
    this.#byNumber.delete(oldest!.number)
    return oldest!
  }
}
