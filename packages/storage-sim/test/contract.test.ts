/** The simulated disk is a storage like every other one. */

import { describe, it } from 'vitest'
import { storageContract } from '@walrus/segment/contract'
import { SimulatedDisk } from '../src/index.ts'

for (const align of [1, 512]) {
  storageContract({
    describe,
    it,
    name: `the simulated disk, aligned to ${align}`,
    async make() {
      const disk = new SimulatedDisk({ seed: align, align })
      const storage = disk.process()
      await storage.mkdir('/dir')
      return {
        storage,
        dir: '/dir',
        cleanup: async () => storage.kill(),
        async deny(path: string) {
          disk.fault = (call) => (call.path === path ? 'EACCES' : undefined)
          return async () => {
            disk.fault = undefined
          }
        },
        pass: (ms) => disk.pass(ms),
      }
    },
  })
}
