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

export function nodeEnvironment(): Environment {
  return {
    now: () => Date.now(),
    elapsed: () => performance.now(),
    random(into) {
      randomFillSync(into)
    },
    after,
    soon(run) {
      setImmediate(run)
    },
    bootId: readBootId(),
    pid: process.pid,
    host: hostname(),
  }
}
