// What the tests of the loader load with one site left out: the log on a storage that notes what is asked of it.
import { basename } from 'node:path'
import { Log } from '@walrus/log'
import { decodeSegmentHeader, encodeSegmentHeader, fd } from '@walrus/segment'

export { Log }

/** `fd`, and the calls that make something durable, in the order they began and ended. */
function noting() {
  const inner = fd({ zeroAhead: false })
  const calls = []
  const during = async (call, work) => {
    calls.push(call)
    await work()
    // Longer than whoever does not wait for it takes to go on.
    await new Promise((resolve) => setTimeout(resolve, 20))
    calls.push(`${call} done`)
  }
  const wrap = (file) => {
    const name = () => basename(file.path)
    return new Proxy(file, {
      get(target, key) {
        if (key === 'sync') return () => during(`sync ${name()}`, () => target.sync())
        if (key === 'write') {
          return (from, at, durable) =>
            during(`write ${name()}${durable ? ' durably' : ''}`, () =>
              target.write(from, at, durable),
            )
        }
        const value = target[key]
        return typeof value === 'function' ? value.bind(target) : value
      },
      set(target, key, value) {
        target[key] = value
        return true
      },
    })
  }
  const storage = {
    ...inner,
    open: async (path, mode) => wrap(await inner.open(path, mode)),
    openSync: (path, mode) => wrap(inner.openSync(path, mode)),
    syncDir: (dir) => during(`sync of the directory ${basename(dir)}`, () => inner.syncDir(dir)),
  }
  return { storage, calls }
}

/** Opens a log, appends to it, closes it; what was asked of the storage meanwhile. */
export async function calls(dir) {
  const { storage, calls: all } = noting()
  const log = await Log.open(dir, { storage })
  all.push('opened')
  await log.append('an entry')
  all.push('appended')
  await log.close()
  all.push('closed')
  return all
}

/** What becomes of a segment header one bit of which has changed. */
export function damagedHeader() {
  const predecessor = { id: 0, generation: 0, salt: 0, end: 0 }
  const numbers = { id: 1, generation: 0, salt: 5, firstLsn: 1, plainNext: 1, baseTime: 0, boot: 7 }
  const more = { epoch: 1, mark: 1, begun: 1, align: 4, catalogSegment: 1, catalogFrames: 0 }
  const logId = new Uint8Array(16)
  const bytes = encodeSegmentHeader({ firstGroup: 192, logId, predecessor, ...numbers, ...more })
  bytes[72] ^= 1
  try {
    return `boot ${decodeSegmentHeader(bytes, 'a file').boot}`
  } catch (error) {
    return error.code
  }
}
