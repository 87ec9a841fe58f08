/**
 * Every cut of a small source, and a flipped bit in every byte: what is given is what was written, up to a torn end that is told;
 * or it is refused, naming file and place. With salvage it is never refused, and nothing is given that was not written.
 */

import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeFrame, encodeKvRecord, entryCodec } from '@walrus/codec'
import { describe, expect, it } from 'vitest'
import { Findings, lookInto, readGoLog, readKvStore } from '../src/index.ts'
import { freshDirectory } from './fresh-directory.ts'

const dir = freshDirectory()

/** Two files of three records each, the first of which holds what looks like a record itself. */
function filesOf(record: (number: number, data: Uint8Array) => Uint8Array): Uint8Array[] {
  const inner = record(7, Buffer.from('inner'))
  return [
    [1, 2, 3],
    [4, 5, 6],
  ].map((numbers) =>
    Buffer.concat(
      numbers.map((number) =>
        record(number, number % 3 === 1 ? inner : Buffer.from(`data ${number}`)),
      ),
    ),
  )
}

function goRecord(format: 'binary' | 'json'): (number: number, data: Uint8Array) => Uint8Array {
  return (number, data) =>
    encodeFrame(entryCodec(format), {
      index: BigInt(number),
      term: 1n,
      data,
      timestamp: 1_700_000_000_000_000_000n,
      transactionId: number === 2 ? 'tx_0123' : '',
    })
}

function kvRecord(number: number, data: Uint8Array): Uint8Array {
  return encodeKvRecord({ op: 'set', key: Buffer.from(`key ${number}`), value: data })
}

const formats = [
  ['binary entries', 'segment_0000000000000000000', '.wal', goRecord('binary')],
  ['JSON entries', 'segment_0000000000000000000', '.wal', goRecord('json')],
  ['key-value records', 'wal-000', '.log', kvRecord],
] as const

describe.each(formats)('%s', (_, prefix, suffix, record) => {
  const whole = filesOf(record)

  function write(files: readonly Uint8Array[]): void {
    files.forEach((bytes, at) => writeFileSync(join(dir(), `${prefix}${at + 1}${suffix}`), bytes))
  }

  async function read(salvage: boolean): Promise<{ records: string[]; findings: Findings }> {
    const findings = new Findings(salvage)
    const source = await lookInto(dir())
    const records: string[] = []
    if (source.format === 'go') {
      for await (const {
        record: { index, data },
      } of readGoLog(source, undefined, findings)) {
        records.push(`${index} ${Buffer.from(data!).toString('latin1')}`)
      }
    } else {
      for await (const { record: each } of readKvStore(source, undefined, findings)) {
        const value = each.op === 'set' ? Buffer.from(each.value).toString('latin1') : 'deleted'
        records.push(`${Buffer.from(each.key).toString('latin1')} ${value}`)
      }
    }
    return { records, findings }
  }

  async function all(): Promise<string[]> {
    write(whole)
    return (await read(false)).records
  }

  it('are given whole, in order', async () => {
    expect(await all()).toHaveLength(6)
  })

  it('cut anywhere in the last file are given up to there, with a warning', async () => {
    const records = await all()
    const [first, last] = whole as [Uint8Array, Uint8Array]
    for (let size = 0; size < last.length; size++) {
      write([first, last.subarray(0, size)])
      const found = await read(false)
      expect(found.records).toEqual(records.slice(0, found.records.length))
      const starts = [0, record(4, record(7, Buffer.from('inner'))).length]
      starts.push(starts[1]! + record(5, Buffer.from('data 5')).length)
      const isClean = starts.includes(size)
      expect(found.findings.list.map(({ kind }) => kind)).toEqual(isClean ? [] : ['torn'])
      expect(found.records).toHaveLength(
        3 + starts.filter((start) => start > 0 && start <= size).length,
      )
    }
  })

  it('cut anywhere in another file are refused, and salvaged behind it', async () => {
    const records = await all()
    const [first, last] = whole as [Uint8Array, Uint8Array]
    for (let size = 1; size < first.length; size += 3) {
      write([first.subarray(0, size), last])
      const refused = await read(false).catch((error: unknown) => error as { code: string })
      // A key-value store cut between two records has nothing to tell it by.
      const isCleanCut = !('code' in refused)
      if (isCleanCut) expect(prefix).toBe('wal-000')
      else
        expect(refused).toMatchObject({
          code: 'WALRUS_CORRUPT',
          file: expect.any(String) as string,
        })
      const salvaged = await read(true)
      expect(salvaged.records.slice(-3)).toEqual(records.slice(3))
      expect(records).toEqual(expect.arrayContaining(salvaged.records))
    }
  })

  it('with a bit flipped anywhere are refused, or given up to a torn end; salvage gives the others', async () => {
    const records = await all()
    const [first, last] = whole as [Uint8Array, Uint8Array]
    for (const [number, bytes] of [first, last].entries()) {
      // All bits of the first record's head, and one of each other byte.
      const bits = Array.from({ length: bytes.length * 8 }, (_each, bit) => bit)
      for (const bit of bits.filter((each) => each < 40 * 8 || each % 8 === (each >>> 3) % 8)) {
        const damaged = Uint8Array.from(bytes)
        damaged[bit >>> 3]! ^= 1 << (bit & 7)
        write(number === 0 ? [damaged, last] : [first, damaged])
        const outcome = await read(false).catch(
          (error: unknown) => error as { code: string; offset: number },
        )
        if ('code' in outcome) {
          expect(outcome.code).toBe('WALRUS_CORRUPT')
          expect(outcome.offset).toBeLessThanOrEqual(bit >>> 3)
        } else {
          expect(number).toBe(1)
          expect(outcome.findings.list).toMatchObject([{ kind: 'torn' }])
          expect(outcome.records).toEqual(records.slice(0, 5))
        }
        const salvaged = await read(true)
        expect(salvaged.findings.count).toBeGreaterThan(0)
        expect(salvaged.records).toEqual(records.filter((each) => salvaged.records.includes(each)))
        expect(salvaged.records).toHaveLength(5)
      }
    }
  }, 120_000)

  it('written to while they are read are refused', async () => {
    write(whole)
    const path = join(dir(), `${prefix}2${suffix}`)
    const source = await lookInto(dir())
    const findings = new Findings(false)
    const records =
      source.format === 'go'
        ? readGoLog(source, undefined, findings)
        : readKvStore(source, undefined, findings)
    for (let count = 0; count < 4; count++) await records.next()
    appendFileSync(path, 'more')
    await records.next()
    await records.next()
    await expect(records.next()).rejects.toMatchObject({
      code: 'WALRUS_SOURCE_CHANGED',
      file: path,
    })
  })

  it('with a file missing in between are refused', async () => {
    write([...whole, record(7, Buffer.from('data 7'))])
    rmSync(join(dir(), `${prefix}2${suffix}`))
    await expect(read(false)).rejects.toMatchObject({
      code: 'WALRUS_CORRUPT',
      message: expect.stringContaining('missing') as string,
    })
    expect((await read(true)).records).toHaveLength(4)
  })
})
