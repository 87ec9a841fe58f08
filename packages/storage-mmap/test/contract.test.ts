/** The storage on maps is a storage like every other one. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageContract } from '@walrus/segment/contract'
import { describe, it } from 'vitest'
import { mmap } from '../src/index.ts'

storageContract({
  describe,
  it,
  name: 'mmap',
  async make() {
    const dir = await mkdtemp(join(tmpdir(), 'walrus-contract-'))
    return { storage: mmap(), dir, cleanup: () => rm(dir, { recursive: true, force: true }) }
  },
})
