/** Time, chance and the machine, as plain Node gives them. */

import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import type { Environment, Timer } from './storage.ts'

/** The longest delay a timer of Node takes, in milliseconds; it turns longer ones into 1 ms. */
const TIMER_LIMIT = 2 ** 31 - 1

/** Elsewhere than on Linux: when the machine started, to the minute. A clock set anew changes the name. */
function bootIdFromUptime(): string {
  const minute = Math.round((Date.now() / 1000 - uptime()) / 60)
  return `${hostname()}-${minute}`
}

function readBootId(): string {
  if (process.platform !== 'linux') return bootIdFromUptime()
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    // No /proc in this container.
    return bootIdFromUptime()
  }
}

function after(ms: number, run: () => void, keepAlive = false): Timer {
  let timer: NodeJS.Timeout
  const arm = (left: number): void => {
    const step = Math.min(left, TIMER_LIMIT)
    timer = setTimeout(() => (left > step ? arm(left - step) : run()), step)
    if (!keepAlive) timer.unref()
  }
  arm(ms)
  return { cancel: () => clearTimeout(timer) }
}

/** Random bytes are asked for so many at a time: a call for few costs as much as one for many. */
const RANDOM_POOL_BYTES = 4096

function randomPool(): (into: Uint8Array) => void {
  const pool = new Uint8Array(RANDOM_POOL_BYTES)
  let used = pool.length
  return (into) => {
    if (into.length > pool.length) {
      randomFillSync(into)
      return
    }
    if (used + into.length > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    for (let at = 0; at < into.length; at++) into[at] = pool[used++]!
  }
}

export function nodeEnvironment(): Environment {
  return {
    now: () => Date.now(),
    elapsed: () => performance.now(),
    random: randomPool(),
    after,
    soon(run) {
      setImmediate(run)
    },
    bootId: readBootId(),
    pid: process.pid,
    host: hostname(),
  }
}
