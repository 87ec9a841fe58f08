/** The storage on io_uring is a storage like every other one. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageContract } from '@walrus/segment/contract'
import { describe, it } from 'vitest'
import { uring } from '../src/index.ts'

storageContract({
  describe,
  it,
  name: 'uring',
  async make() {
    const dir = await mkdtemp(join(tmpdir(), 'walrus-contract-'))
    return { storage: uring(), dir, cleanup: () => rm(dir, { recursive: true, force: true }) }
  },
})
