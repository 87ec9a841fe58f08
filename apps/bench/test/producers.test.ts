import { setTimeout as after } from 'node:timers/promises'
import { expect, it } from 'vitest'

import { closedLoop } from '../src/producers.ts'

it('keeps exactly as many operations in flight as there are producers, and counts each', async () => {
  let inFlight = 0
  let most = 0
  let acknowledged = 0
  const load = { producers: 16, seconds: 0.05, timed: true }
  const result = await closedLoop(load, async () => {
    inFlight++
    most = Math.max(most, inFlight)
    await after(1)
    inFlight--
    acknowledged++
  })
  expect(most).toBe(16)
  expect(inFlight).toBe(0)
  expect(result.operations).toBe(acknowledged)
})

it('ends on time when the operations never let a timer fire', async () => {
  const load = { producers: 4, seconds: 0.02, timed: false }
  const result = await closedLoop(load, async () => {})
  expect(result.operations).toBeGreaterThan(4)
  expect(result.latencies.length).toBe(0)
})

it('keeps the time of each operation of a lone producer', async () => {
  const load = { producers: 1, seconds: 0.05, timed: true }
  const result = await closedLoop(load, () => after(5))
  expect(result.latencies.length).toBe(result.operations)
  expect(Math.min(...result.latencies)).toBeGreaterThan(3000)
})

it('rejects with the error of an operation', async () => {
  const load = { producers: 2, seconds: 0.02, timed: false }
  const failing = closedLoop(load, () => Promise.reject(new Error('poisoned')))
  await expect(failing).rejects.toThrow('poisoned')
})
