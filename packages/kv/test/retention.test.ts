/** On a log that lets its oldest segments go, nothing goes that a key needs. */

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'
import { expect, it } from 'vitest'
import { Kv } from '../src/index.ts'
import { DIR } from './simulated.ts'

const options = { segmentBytes: 65_536, retention: { maxSegments: 3 } }

it('values stay while their keys do, however old they are, and go with them', async () => {
  const disk = new SimulatedDisk()
  const log = await Log.open(DIR, { storage: disk.process(), ...options })
  const kv = await Kv.open(log, { cacheBytes: 0 })
  await log.append('before all keys')
  for (let n = 0; n < 5; n++) await log.append(new Uint8Array(60_000))
  await kv.set('old', 'as old as it is')
  for (let n = 0; n < 5200; n++) await kv.set(`${n % 3}`, 'x'.repeat(100))
  for (let n = 0; n < 10; n++) await log.append(new Uint8Array(60_000))
  const { claims } = await log.retain()
  expect(claims).toContainEqual({ name: 'values of kv', stream: 'kv', from: 0, dropped: false })
  expect(log.firstIndex).toBeGreaterThan(1)
  expect(await kv.get('old')).toBe('as old as it is')
  await kv.close()
  await log.close()
  const later = await Log.open(DIR, { storage: disk.process(), ...options })
  const again = await Kv.open(later, { cacheBytes: 0 })
  await later.retain()
  expect(await again.get('old')).toBe('as old as it is')
  expect(again.size).toBe(4)
  await again.clear()
  for (let n = 0; n < 5000; n++) await again.set(`${n % 3}`, 'x')
  await again.close()
  // With a snapshot that speaks of the clearing, nothing old is needed any more.
  const last = await Kv.open(later)
  const { next } = later.stream('kv')
  for (let n = 0; n < 10; n++) await later.append(new Uint8Array(60_000))
  await later.retain()
  expect(later.stream('kv').first).toBeGreaterThan(next - 1000)
  expect(last.size).toBe(3)
  await last.close()
  await later.close()
})

it('a store can be closed behind its log', async () => {
  const log = await Log.open(DIR, { storage: new SimulatedDisk().process() })
  const kv = await Kv.open(log)
  await kv.set('k', 'v')
  await log.close()
  await expect(kv.set('k', 'w')).rejects.toMatchObject({ code: 'WALRUS_CLOSED' })
  await kv.close()
})
