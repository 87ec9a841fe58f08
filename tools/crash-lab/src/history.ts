/**
 * The states a log goes through, in commit order: of every stream the first position and the entries from there on.
 *
 * Every change makes one state. A crash must leave one of them, and none before the last that was acknowledged (the
 * process was killed) or durable (power was lost). Entries are told by their serial numbers.
 */

import type { Log, LogEntry } from '@walrus/log'

export const STREAMS = ['', 'orders', 'payments'] as const
export type StreamName = (typeof STREAMS)[number]

export interface StreamState {
  readonly first: number
  readonly entries: readonly number[]
}

export type State = Readonly<Record<StreamName, StreamState>>

const NEW: State = {
  '': { first: 1, entries: [] },
  orders: { first: 0, entries: [] },
  payments: { first: 0, entries: [] },
}

export class History {
  readonly states: State[] = [NEW]
  /** The number of the last state that was acknowledged, and of the last that is durable. */
  acknowledged = 0
  durable = 0
  #serial = 0

  copy(): History {
    const copy = new History()
    copy.states.splice(0, 1, ...this.states)
    copy.acknowledged = this.acknowledged
    copy.durable = this.durable
    return copy
  }

  get last(): State {
    return this.states.at(-1)!
  }

  newEntry(): number {
    return this.#serial++
  }

  /** Notes a state that is asked for; its number. */
  change(changes: Partial<State>): number {
    this.states.push({ ...this.last, ...changes })
    return this.states.length - 1
  }

  /** Notes that it has reached a state. */
  reached(state: number, durably: boolean): void {
    this.acknowledged = Math.max(this.acknowledged, state)
    if (durably) this.durable = Math.max(this.durable, state)
  }

  /** Everything asked for since a state was refused, and nothing of it kept. */
  takenBack(state: number): void {
    this.states.length = state + 1
    this.acknowledged = Math.min(this.acknowledged, state)
    this.durable = Math.min(this.durable, state)
  }
}

/** An entry's bytes: its serial number, then what is told by it. */
export function bytesOf(serial: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, serial & 0xff)
  bytes.writeUInt32LE(serial)
  return bytes
}

function serialIn({ data }: LogEntry): number {
  const bytes = Buffer.from(data)
  const serial = bytes.readUInt32LE()
  const rest = bytes.subarray(4)
  if (!rest.equals(Buffer.alloc(rest.length, serial & 0xff))) return -1
  return serial
}

/** What a log shows without looking whether there is more: what a reader sees at one time. */
export async function viewOf(log: Log): Promise<State> {
  const state: Partial<Record<StreamName, StreamState>> = {}
  for (const name of STREAMS) {
    const stream = name === '' ? log : log.stream(name)
    const next = 'nextIndex' in stream ? stream.nextIndex : stream.next
    const entries = await stream.range(0, Number.MAX_SAFE_INTEGER - 1)
    state[name] = { first: entries[0]?.index ?? next, entries: entries.map(serialIn) }
  }
  return state as State
}

/** What stands in a log, read in every way there is. */
export async function stateOf(log: Log): Promise<State> {
  const state: Partial<Record<StreamName, StreamState>> = {}
  for (const name of STREAMS) {
    const stream = name === '' ? log : log.stream(name)
    const entries: number[] = []
    let first: number | undefined
    for await (const entry of stream.entries()) {
      first ??= entry.index
      entries.push(serialIn(entry))
      const again = [await stream.get(entry.index), stream.getSync(entry.index)]
      if (again.some((each) => serialIn(each) !== entries.at(-1))) entries.push(-2)
    }
    const ranged = await stream.range(0, Number.MAX_SAFE_INTEGER - 1)
    if (ranged.map(serialIn).join() !== entries.join()) entries.push(-3)
    const next = 'nextIndex' in stream ? stream.nextIndex : stream.next
    state[name] = { first: first ?? next, entries }
  }
  return state as State
}

/** A state in a line. */
export function told(state: State): string {
  return STREAMS.map(
    (name) => `${name}@${state[name].first}[${state[name].entries.join(' ')}]`,
  ).join(' ')
}
