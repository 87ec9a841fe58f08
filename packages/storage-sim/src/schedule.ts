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

/** Somebody who lets time pass until something holds. */
interface Driver {
  readonly until: () => boolean
  readonly ended: (reached: boolean) => void
}

/** So many turns in which nothing happens, and nobody adds an event, show that nothing ever will. */
const IDLE_TURNS = 20

export class Schedule {
  /** In order of time, then of their coming; the next one last. */
  readonly #events: Event[] = []
  readonly #drivers = new Set<Driver>()
  #now: number
  #turning = false
  #idleTurns = 0

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
    this.#turn()
    return () => {
      const found = events.indexOf(event)
      if (found >= 0) events.splice(found, 1)
    }
  }

  /** Lets time pass until something holds; resolves to false when nothing can happen any more. */
  drive(until: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      this.#drivers.add({ until, ended: resolve })
      this.#turn()
    })
  }

  /** Lets `ms` milliseconds pass. */
  async pass(ms: number): Promise<void> {
    let over = false
    const ring = (): void => {
      over = true
    }
    this.add(ms, ring, true)
    await this.drive(() => over)
  }

  /** Everybody has gone on since the last event: who waits for no more is let go before the next one. */
  #turn(): void {
    if (this.#turning || (this.#drivers.size === 0 && this.#next() === undefined)) return
    this.#turning = true
    setImmediate(() => {
      this.#turning = false
      for (const driver of this.#drivers) if (driver.until()) this.#end(driver, true)
      this.#happen(this.#next())
      this.#turn()
    })
  }

  #happen(event: Event | undefined): void {
    if (event === undefined) {
      if (++this.#idleTurns < IDLE_TURNS) return
      this.#idleTurns = 0
      for (const driver of this.#drivers) this.#end(driver, false)
      return
    }
    this.#idleTurns = 0
    this.#events.splice(this.#events.lastIndexOf(event), 1)
    this.#now = Math.max(this.#now, event.at)
    event.happen()
  }

  #end(driver: Driver, reached: boolean): void {
    this.#drivers.delete(driver)
    driver.ended(reached)
  }

  #next(): Event | undefined {
    if (this.#drivers.size > 0) return this.#events.at(-1)
    return this.#events.findLast((event) => !event.timer)
  }
}
