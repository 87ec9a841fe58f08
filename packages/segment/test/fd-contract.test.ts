import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { storageContract } from '../src/contract/index.ts'
import { fd } from '../src/fd-storage.ts'

const NOBODY = 65534

/** Root may open anything, so root steps down for a moment. */
async function deny(path: string): Promise<() => Promise<void>> {
  if (process.geteuid?.() === 0) {
    process.seteuid?.(NOBODY)
    return async () => process.seteuid?.(0)
  }
  await chmod(path, 0)
  return () => chmod(path, 0o640)
}

storageContract({
  describe,
  it,
  name: 'fd',
  async make() {
    const dir = await mkdtemp(join(tmpdir(), 'walrus-contract-'))
    return {
      storage: fd(),
      dir,
      cleanup: () => rm(dir, { recursive: true, force: true }),
      deny,
    }
  },
})
