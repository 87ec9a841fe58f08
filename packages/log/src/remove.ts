/** Removing a file that may not be there. */

import type { Storage } from '@walrus/segment'
import { hasCode } from './errors.ts'

export async function removeIfThere(storage: Storage, path: string): Promise<void> {
  try {
    await storage.remove(path)
  } catch (error) {
    if (!hasCode(error, 'WALRUS_NOT_FOUND')) throw error
  }
}
