/**
 * Simulated time: what happens when, in an order that depends on nothing else.
 *
 * Each event has a turn of Node's event loop to itself, so that everybody who waited for it has gone on before the
 * next one happens. Events of the disk come by themselves; time passes over waiting timers only while it is driven.
 */

interface Event {
  /** In milliseconds. */
  readonly at: number
  readonly timer: boolean
  readonly happen: () => void
}

/** So many turns in which nothing happens, and nobody adds an event, show that nothing ever will. */
const IDLE_TURNS = 20

export class Schedule {
  /** In order of time, then of their coming; the next one last. */
  readonly #events: Event[] = []
  readonly #whenDue: (() => void)[] = []
  #now: number
  #running = false
  #driven = 0

  constructor(now: number) {
    this.#now = now
  }

  /** In milliseconds, with fractions. */
  get now(): number {
    return this.#now
  }

  /** Lets something happen `ms` milliseconds from now; returns what calls it off. */
  add(ms: number, happen: () => void, timer: boolean): () => void {
    const event = { at: this.#now + ms, timer, happen }
    const events = this.#events
    let place = events.length
    while (place > 0 && events[place - 1]!.at <= event.at) place--
    events.splice(place, 0, event)
    this.#wake()
    return () => {
      const found = events.indexOf(event)
      if (found >= 0) events.splice(found, 1)
    }
  }

  /** Lets time pass for as long as `until` does not hold; resolves to false when nothing can happen any more. */
  async drive(until: () => boolean): Promise<boolean> {
    this.#driven++
    try {
      for (let idle = 0; !until(); ) {
        if (this.#next() === undefined && idle++ === IDLE_TURNS) return false
        if (this.#next() !== undefined) idle = 0
        this.#wake()
        await new Promise<void>((resolve) => {
          this.#whenDue.push(resolve)
          if (!this.#running) this.#turn()
        })
      }
      return true
    } finally {
      this.#driven--
    }
  }

  /** Lets `ms` milliseconds pass. */
  async pass(ms: number): Promise<void> {
    let over = false
    this.add(
      ms,
      () => {
        over = true
      },
      true,
    )
    await this.drive(() => over)
  }

  #next(): Event | undefined {
    if (this.#driven > 0) return this.#events.at(-1)
    return this.#events.findLast((event) => !event.timer)
  }

  #wake(): void {
    if (!this.#running && this.#next() !== undefined) this.#turn()
  }

  #turn(): void {
    this.#running = true
    setImmediate(() => {
      this.#running = false
      const event = this.#next()
      if (event !== undefined) {
        this.#events.splice(this.#events.lastIndexOf(event), 1)
        this.#now = Math.max(this.#now, event.at)
        event.happen()
      }
      this.#wake()
      for (const resolve of this.#whenDue.splice(0)) resolve()
    })
  }
}
