/** Files that change, or are gone, while a log is opened or used. */

import type { WalrusError } from '@walrus/codec'
import { Log, verify } from '@walrus/log'
import type { SimulatedDisk } from '@walrus/storage-sim'
import { DIR, pass } from '../workload.ts'
import { refusal } from './hostile-beside.ts'
import { type Cases, SEG } from './hostile-case.ts'
import { bounds, CATALOG_STREAM, forgeTail } from './hostile-encode.ts'

/** Of these, eight are more than a transaction may keep in memory. */
const ENTRY_BYTES = 9_000
const ENTRIES = 20
const LEAST_BYTES = 0x1_0000
/** What goes on in the background has come to its end, in milliseconds. */
const LONG_MS = 400

export function meanwhileCases(cases: Cases): void {
  // A group that was whole when the end of the log was looked for, and is not when it is written anew.
  cases.set('fading', {
    log: 'open',
    look: async (disk) => {
      whenOnce(disk, 'create', () => flip(disk, `${DIR}/${SEG(1)}`, -300))
      return await recovering(disk)
    },
    expected: {},
  })
  // Likewise one that stays, and is read again because what follows had cut a stream in it.
  cases.set('fading.cut', {
    log: 'open',
    forge: ({ log }) => {
      const { groups } = log.segments[0]!
      const own = groups.flatMap(({ frames }) => frames.filter(isOfCatalog))
      const cut = { kind: 4, position: own.length, data: bounds(0, 1n, 2n, 1) }
      groups.push({ frames: [{ ...own[0]!, ...cut }], padding: Buffer.alloc(0), forged: {} })
    },
    files: (files, { placed }) => {
      const { groups, id } = placed[0]!
      const tail = { segment: id, offset: groups[2]!, lsn: 5, plainNext: 3 }
      forgeTail(files.get('TAIL')!, tail)
    },
    look: async (disk) => {
      whenOnce(disk, 'rename', () => flip(disk, `${DIR}/${SEG(1)}`, 192 + 70))
      return await recovering(disk)
    },
    expected: {},
  })
  cases.set('fading.transaction', { log: 'closed', look: committing, expected: {} })
  cases.set('unreadable', { log: 'closed', look: unreadable, expected: {} })
  cases.set('beside.gone', { log: 'large', look: missing, expected: {} })
}

function isOfCatalog({ stream }: { readonly stream: number }): boolean {
  return stream === CATALOG_STREAM
}

/** Does something in the first call of a kind that is about a segment that is being prepared. */
function whenOnce(disk: SimulatedDisk, kind: string, run: () => void): void {
  disk.fault = (call) => {
    if (call.kind !== kind || !/\.new$|\.seg$/.test(call.path)) return undefined
    disk.fault = undefined
    run()
    return undefined
  }
}

/** @param at from the end when negative */
function flip(disk: SimulatedDisk, path: string, at: number): void {
  const bytes = Buffer.from(disk.files().get(path)!)
  bytes[at < 0 ? bytes.length + at : at]! ^= 1
  disk.put(path, bytes)
}

async function recovering(disk: SimulatedDisk): Promise<string[]> {
  const { value } = await disk.run(
    async (storage) => await refusal('recovery', () => Log.open(DIR, { storage })),
  )
  return value!
}

/** What a transaction keeps in a file does not read as it was written: it is refused, and nothing of it is there. */
async function committing(disk: SimulatedDisk): Promise<string[]> {
  const { value } = await disk.run(async (storage) => {
    const log = await Log.open(DIR, { storage, transactionMemoryBytes: LEAST_BYTES })
    const { lastIndex } = log
    const transaction = log.begin()
    for (let n = 0; n < ENTRIES; n++) transaction.add(Buffer.alloc(ENTRY_BYTES, n))
    const [kept] = [...disk.files().keys()].filter((path) => path.endsWith('.tmp'))
    // In place, since it is open.
    const file = storage.openSync(kept!, 'write')
    file.writeSync(Uint8Array.of(0xff), ENTRY_BYTES, false)
    file.closeSync()
    const found = await refusal('a commit', () => transaction.commit())
    const index = await log.append('it goes on')
    if (index !== lastIndex + 1)
      found.push(`a commit that was refused took ${index - lastIndex - 1}`)
    await log.close()
    return found
  })
  return value!
}

/** A segment that no writer has removed is gone: nobody is told that its entries were truncated away. */
async function missing(disk: SimulatedDisk): Promise<string[]> {
  const { value } = await disk.run(async (storage) => {
    const writer = await Log.open(DIR, { storage, segmentBytes: LEAST_BYTES })
    const from = writer.nextIndex
    for (let n = 0; n < ENTRIES; n++) await writer.append(Buffer.alloc(ENTRY_BYTES, n))
    await pass(storage, LONG_MS)
    const log = await Log.open(DIR, { storage: disk.process(), readOnly: true })
    // Neither the oldest nor the newest, which it keeps open.
    disk.remove(`${DIR}/${SEG(3)}`)
    const codes = new Set<unknown>()
    for (let index = from; index < log.nextIndex; index++) {
      try {
        log.getSync(index)
      } catch (error) {
        codes.add((error as WalrusError).code)
      }
    }
    await log.close()
    await writer.close()
    return [...codes]
  })
  return String(value) === 'WALRUS_NOT_FOUND' ? [] : [`what is gone gives ${String(value)}`]
}

/** A segment that cannot be opened makes `verify` fail, whenever that is: it is not passed over. */
async function unreadable(disk: SimulatedDisk): Promise<string[]> {
  const found: string[] = []
  for (let failing = 0, failed = true; failed; failing++) {
    let opened = 0
    failed = false
    disk.fault = ({ kind, path }) => {
      if (kind !== 'open' || !path.endsWith('.seg') || opened++ !== failing) return undefined
      failed = true
      return 'EIO'
    }
    const code = await disk
      .run((storage) => verify(DIR, { storage }))
      .then(
        () => 'nothing',
        (error: WalrusError) => error.code,
      )
    const must = failed ? 'WALRUS_IO' : 'nothing'
    if (code !== must) found.push(`verify fails with ${code}, and not with ${must}`)
  }
  disk.fault = undefined
  return found
}
