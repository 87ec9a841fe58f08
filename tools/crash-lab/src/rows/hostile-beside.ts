/**
 * Forged logs looked at in other ways: by a reader beside a writer that runs; in a storage's own memory; without
 * checksums.
 */

import { WalrusError } from '@walrus/codec'
import { inspect, Log } from '@walrus/log'
import type { Storage, StorageFile } from '@walrus/segment'
import type { SimulatedDisk, SimulatedStorage } from '@walrus/storage-sim'
import { DIR, pass } from '../workload.ts'
import { measured, streamOf, textOf } from './damage-outcome.ts'
import { type Case, type Cases, SEG } from './hostile-case.ts'
import { forgeTail, newestTail } from './hostile-encode.ts'
import { LIES } from './hostile-indexes.ts'
import type { Forged } from './hostile-layout.ts'
import type { Entry } from './hostile-logs.ts'
import { stackOf } from './hostile-look.ts'

/** A reader gives a writer time to come to an end with what it is doing: so many looks. */
const LOOKS = 25
/** A reader at rest looks at little more than the tail file. */
const LOOKS_AT_REST = 10
const AT_REST_MS = 400
/** No group is larger than this. */
const TOO_LARGE = 0x7000_0004

export function besideCases(cases: Cases): void {
  const lies: readonly (readonly [string, (tail: { offset: number; lsn: number }) => Forged])[] = [
    ['offset+4', ({ offset }) => ({ offset: offset + 4 })],
    ['lsn+1', ({ lsn }) => ({ lsn: lsn + 1 })],
  ]
  for (const [name, lie] of lies) {
    const set = (how: string, look: NonNullable<Case['look']>): void => {
      cases.set(`beside.${how}.${name}`, { log: 'closed', look, expected: {} })
    }
    set('open', (disk) =>
      besideWriter(disk, async (append) => {
        await append()
        forge(disk, lie)
        return await refusal('opening', () =>
          Log.open(DIR, { storage: disk.process(), readOnly: true }),
        )
      }),
    )
    set('follow', (disk) =>
      besideWriter(disk, async (append) => {
        const log = await Log.open(DIR, { storage: disk.process(), readOnly: true })
        await append()
        forge(disk, lie)
        return await refusal('following', async () => {
          for (let look = 0; look < LOOKS; look++) await log.refresh()
        })
      }),
    )
  }
  cases.set('beside.rest', { log: 'closed', look: atRest, expected: {} })
  cases.set('beside.rest.writer', { log: 'closed', look: besideRest, expected: {} })
  cases.set('beside.followed', { log: 'closed', look: followed, expected: {} })
}

/** Runs a writer on a log that was closed, and something beside it. */
async function besideWriter(
  disk: SimulatedDisk,
  run: (append: () => Promise<void>) => Promise<string[]>,
): Promise<string[]> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage })
    return await run(async () => {
      await log.append('beside a reader')
      await new Promise<void>((resolve) => storage.env.after(20, resolve))
    })
  })
  return value!
}

function forge(disk: SimulatedDisk, lie: (tail: { offset: number; lsn: number }) => Forged): void {
  const path = `${DIR}/TAIL`
  const file = Buffer.from(disk.files().get(path)!)
  forgeTail(file, lie(newestTail(file)))
  disk.put(path, file)
}

export async function refusal(what: string, run: () => Promise<unknown>): Promise<string[]> {
  try {
    await run()
  } catch (error) {
    if (error instanceof WalrusError && error.code === 'WALRUS_CORRUPT') return []
    return [`${what} fails with ${stackOf(error)}`]
  }
  return [`${what} is not refused`]
}

/** A reader beside no writer does not read again what it has seen. */
async function atRest(disk: SimulatedDisk): Promise<string[]> {
  const { value } = await disk.run((storage) => restOf(disk, storage, () => Promise.resolve()))
  return value!
}

/** Nor does one beside a writer that has nothing to do. */
async function besideRest(disk: SimulatedDisk): Promise<string[]> {
  return await besideWriter(disk, (append) => restOf(disk, disk.process(), append))
}

async function restOf(
  disk: SimulatedDisk,
  storage: SimulatedStorage,
  append: () => Promise<void>,
): Promise<string[]> {
  const log = await Log.open(DIR, { storage, readOnly: true })
  await append()
  for (let look = 0; look < LOOKS; look++) await log.refresh()
  let calls = 0
  disk.fault = ({ path, pid }) => {
    if (pid === storage.pid && path.endsWith('.seg')) calls++
    return undefined
  }
  for (let look = 0; look < LOOKS_AT_REST; look++) await log.refresh()
  disk.fault = undefined
  await log.close()
  return calls === 0 ? [] : [`a reader at rest makes ${calls} calls about segments`]
}

/** Two that follow one reader's log do not keep waking one another. */
async function followed(disk: SimulatedDisk): Promise<string[]> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage, readOnly: true })
    const ended = new AbortController()
    const follow = async (name: string): Promise<void> => {
      const entries = streamOf(log, name).entries({ follow: true, signal: ended.signal })
      try {
        for await (const _ of entries);
      } catch (error) {
        if (!ended.signal.aborted) throw error
      }
    }
    const following: Promise<void>[] = []
    for (const name of ['', 'orders', 'payments']) {
      following.push(follow(name))
      // Each begins while the others wait.
      await pass(storage, AT_REST_MS / 10)
    }
    const before = disk.calls
    await pass(storage, AT_REST_MS)
    const calls = disk.calls - before
    ended.abort()
    await Promise.all(following)
    await log.close()
    // Each of them looks every 40 ms: at the tail file, and whether somebody writes.
    return calls <= AT_REST_MS ? [] : [`three that follow make ${calls} calls in ${AT_REST_MS} ms`]
  })
  return value!
}

/** What `view` gives in a storage that has memory of its own, and what reading in runs. */
export function viewCases(cases: Cases): void {
  for (const verifyReads of [true, false]) {
    const set = (name: string, given: Omit<Case, 'log' | 'expected' | 'look'>): void => {
      const look: NonNullable<Case['look']> = (disk, { entries }) =>
        viewed(disk, entries, verifyReads, name)
      cases.set(`views${verifyReads ? '' : '.unverified'}.${name}`, {
        log: 'closed',
        ...given,
        look,
        expected: {},
      })
    }
    set('whole', {})
    for (const [name, lie] of Object.entries(LIES)) {
      set(name, { forge: ({ log }) => void (log.segments[0]!.lie = lie) })
    }
    for (const value of [0, 1, 100, 0x100_0000, 0xffff_fff0]) {
      set(`length=${value}`, {
        forge: ({ log }) => {
          log.segments[2]!.groups[1]!.frames[0]!.forged['length'] = value
        },
      })
    }
    // Far from the one before, so that each is fetched by itself.
    set('far.length=4294967280', {
      forge: ({ log }) => {
        log.segments[1]!.groups[2]!.frames[1]!.forged['length'] = 0xffff_fff0
      },
    })
    set('cut', {
      // In the data of an entry.
      files: (files, { placed }) => {
        files.set(SEG(2), files.get(SEG(2))!.subarray(0, placed[1]!.groups[1]! + 64 + 26))
      },
    })
    if (verifyReads) {
      set('flip', { forge: ({ log }) => void (log.segments[0]!.groups[0]!.flipped = 90) })
    }
  }
}

async function viewed(
  disk: SimulatedDisk,
  entries: readonly Entry[],
  verifyReads: boolean,
  name: string,
): Promise<string[]> {
  const found: string[] = []
  await disk.run(async (process) => {
    let reads = 0
    const storage = withViews(process, disk, () => reads++)
    const log = await Log.open(DIR, { storage, readOnly: true, verifyReads })
    for (const { stream, index, text } of entries) {
      const of = streamOf(log, stream)
      for (const read of ['view', 'getSync'] as const) {
        const before = reads
        try {
          const seen = textOf(of[read](index))
          // A frame whose length was forged holds other data.
          if (seen !== text && !name.startsWith('length')) {
            found.push(`${read} gives other data at ${stream}[${index}]: ${seen}`)
          }
        } catch (error) {
          if (!(error instanceof WalrusError)) found.push(`${read} fails with ${stackOf(error)}`)
          else if (name === 'whole') found.push(`${read} fails with ${String(error)}`)
        }
        if (name === 'whole' && read === 'view' && reads > before) found.push('view reads')
      }
    }
    for (const stream of new Set(entries.map((entry) => entry.stream))) {
      try {
        for await (const entry of streamOf(log, stream).entries()) {
          const right = entries.some(
            (each) => each.stream === stream && each.text === textOf(entry),
          )
          if (!right && !name.startsWith('length')) {
            found.push(`iterating gives other data at ${stream}[${entry.index}]`)
          }
        }
      } catch (error) {
        if (!(error instanceof WalrusError) || name === 'whole')
          found.push(`iterating fails with ${stackOf(error)}`)
      }
    }
    await log.close()
  })
  return found
}

/** The storage, showing its segments' memory; `read` is told of every read from one. */
function withViews(storage: SimulatedStorage, disk: SimulatedDisk, read: () => void): Storage {
  const openSync = storage.openSync.bind(storage)
  const shown = (path: string, file: StorageFile): StorageFile => {
    if (!path.endsWith('.seg')) return file
    const bytes = new Uint8Array(disk.files().get(path)!)
    file.view = (at, length) =>
      new Uint8Array(bytes.buffer, at, Math.min(length, bytes.length - at))
    const readSync = file.readSync.bind(file)
    file.readSync = (into, at) => {
      if (at > 0) read()
      return readSync(into, at)
    }
    return file
  }
  return Object.assign<Storage, Partial<Storage>>(storage, {
    canView: true,
    openSync: (path, mode) => shown(path, openSync(path, mode)),
  })
}

/** A group that says it is larger than any may be, in a file that has room for it. */
export function sparseCases(cases: Cases): void {
  cases.set('sparse', {
    log: 'open',
    forge: ({ log }) => void (log.segments[0]!.groups[3]!.forged['size'] = TOO_LARGE),
    look: async (disk) => {
      let largest = 0
      await disk.run(async (process) => {
        const storage = measured(process, (bytes) => {
          largest = Math.max(largest, bytes)
        })
        const open = storage.open.bind(storage)
        storage.open = async (path, mode) => {
          const file = await open(path, mode)
          file.size = () => Promise.resolve(TOO_LARGE + 0x1000)
          return file
        }
        for await (const _ of inspect(DIR, { storage }));
      })
      return largest < TOO_LARGE ? [] : [`inspect reads into a buffer of ${largest} bytes`]
    },
    expected: {},
  })
}
