/** The fingerprint of a disk tells what its files hold from what they held. */

import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { SimulatedDisk } from '../src/index.ts'

/** What it must be, from the bytes. */
function expected(disk: SimulatedDisk): string {
  const files = [...disk.files()]
  return files.map(([path, bytes]) => `${path} ${bytes.length} ${crc32(bytes)}\n`).join('')
}

it('follows every change of a disk and of its copies, whichever was asked first', async () => {
  const disk = new SimulatedDisk({ seed: 5 })
  const seen = new Set([disk.fingerprint()])
  const look = (of: SimulatedDisk): void => {
    expect(of.fingerprint()).toBe(expected(of))
    seen.add(of.fingerprint())
  }
  await disk.run(async (storage) => {
    const file = await storage.open('/a', 'create')
    look(disk)
    await file.write(new Uint8Array(3000).fill(1), 0, true)
    look(disk)
    await file.write(new Uint8Array(3000).fill(2), 1500, false)
    look(disk)
    const lost = disk.copy()
    look(lost)
    lost.losePower('zeros')
    look(lost)
    await lost.run(async (next) => {
      const again = await next.open('/a', 'write')
      await again.write(new Uint8Array(10).fill(3), 5, true)
    })
    look(lost)
    look(disk)
    await file.truncate(2000)
    look(disk)
    await storage.rename('/a', '/b')
    look(disk)
  })
  disk.put('/b', new Uint8Array(2000))
  look(disk)
  disk.remove('/b')
  look(disk)
  // None of these states is another one, but for the empty disk at both ends and a copy that was not changed yet.
  expect(seen.size).toBe(9)
})
