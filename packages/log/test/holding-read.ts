import type { Storage } from '@walrus/segment'
import type { SimulatedStorage } from '@walrus/storage-sim'

/** A storage on which the second read of entries waits. */
export function holdingRead(storage: SimulatedStorage): { storage: Storage; letGo: () => void } {
  let letGo!: () => void
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let reads = 0
  const open = storage.openSync.bind(storage)
  storage.openSync = (path, mode) => {
    const file = open(path, mode)
    const read = file.read.bind(file)
    file.read = async (into, at) => {
      if (++reads === 2) await held
      return await read(into, at)
    }
    return file
  }
  return { storage, letGo }
}
