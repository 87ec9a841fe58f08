/**
 * Code written for the npm package `mmap-io` runs: the examples of its README and the cases of its
 * tests (version 1.1.7), in our words.
 */

import { closeSync, fstatSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import mmap from '@walrus/mmap-io'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const { file, open } = scratch()
const { PAGESIZE, PROT_READ, PROT_WRITE, MAP_SHARED } = mmap

/** A file of one page and a bit, as a script would be. */
const TEXT = Buffer.from('a line of text, and another\n'.repeat(200))

describe('the README of mmap-io', () => {
  it('maps, advises, syncs and asks what is in memory', () => {
    const { path } = file(TEXT)
    const fd = open(path, 'r')
    const fdW = open(path, 'r+')
    const size = fstatSync(fd).size
    const rxProt = (mmap.PROT_READ | mmap.PROT_EXEC) as 5
    const buffer = mmap.map(size, rxProt, mmap.MAP_SHARED, fd)
    const buffer2 = mmap.map(size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0, mmap.MADV_SEQUENTIAL)
    const wBuffer = mmap.map(size, mmap.PROT_WRITE, mmap.MAP_SHARED, fdW)
    mmap.advise(wBuffer, mmap.MADV_RANDOM)
    wBuffer[0] = 0x41
    mmap.sync(wBuffer)
    mmap.sync(wBuffer, true)
    mmap.sync(wBuffer, 0, size)
    mmap.sync(wBuffer, 0, size, true)
    mmap.sync(wBuffer, 0, size, true, false)
    expect([buffer[0], buffer2[0]]).toEqual([0x41, 0x41])
    expect(mmap.incore(buffer)).toEqual([0, 2])
  })

  it('is there for require, too', () => {
    const required = createRequire(import.meta.url)('@walrus/mmap-io') as typeof mmap
    const { fd } = file(TEXT)
    expect(required.map(TEXT.length, PROT_READ, MAP_SHARED, fd).equals(TEXT)).toBe(true)
    expect(required.PAGESIZE).toBe(PAGESIZE)
  })
})

describe('the tests of mmap-io', () => {
  it('keeps PAGESIZE when someone sets it', () => {
    try {
      ;(mmap as { PAGESIZE: number }).PAGESIZE = 47
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
    }
    expect(mmap.PAGESIZE).toBe(PAGESIZE)
    expect(PAGESIZE % 4096).toBe(0)
  })

  it('maps with six, five and four arguments', () => {
    const { fd } = file(TEXT)
    const size = TEXT.length
    expect(mmap.map(size, PROT_READ, MAP_SHARED, fd, 0, mmap.MADV_SEQUENTIAL)).toHaveLength(size)
    expect(mmap.map(size, PROT_READ, MAP_SHARED, fd, 0)).toHaveLength(size)
    expect(mmap.map(size, PROT_READ, MAP_SHARED, fd)).toHaveLength(size)
  })

  it('gives a Buffer that reads every byte of the file, and nothing behind it', () => {
    const { fd } = file(TEXT)
    const buffer = mmap.map(TEXT.length, PROT_READ, MAP_SHARED, fd)
    mmap.advise(buffer, mmap.MADV_NORMAL)
    mmap.advise(buffer, 0, PAGESIZE, mmap.MADV_NORMAL)
    let backwards = ''
    for (let at = TEXT.length - 1; at >= 0; at--) backwards += String.fromCharCode(buffer[at]!)
    expect(backwards).toBe(Buffer.from(TEXT).reverse().toString())
    expect(buffer[TEXT.length + 47]).toBeUndefined()
    expect(Buffer.isBuffer(buffer)).toBe(true)
    expect(mmap.incore(buffer)).toEqual([0, 2])
  })

  it('maps from an offset, with a size that reaches beyond the end of the file', () => {
    const { fd } = file(TEXT)
    const buffer = mmap.map(TEXT.length, PROT_READ, MAP_SHARED, fd, PAGESIZE)
    expect(buffer).toHaveLength(TEXT.length)
    expect(buffer.subarray(0, TEXT.length - PAGESIZE).equals(TEXT.subarray(PAGESIZE))).toBe(true)
  })

  it('refuses a size that is no number, a size of zero, an offset that is no page', () => {
    const { fd } = file(TEXT)
    const size = TEXT.length
    expect(() => mmap.map('foo' as never, PROT_READ, MAP_SHARED, fd, 0)).toThrow(TypeError)
    expect(() => mmap.map(0, PROT_READ, MAP_SHARED, fd, 0)).toThrow(RangeError)
    expect(() => mmap.map(size, PROT_READ, MAP_SHARED, fd, PAGESIZE - 1)).toThrow(RangeError)
  })

  it('refuses advice that is no number', () => {
    const { fd } = file(TEXT)
    const buffer = mmap.map(TEXT.length, PROT_READ, MAP_SHARED, fd)
    expect(() => mmap.advise(buffer, 'good advice' as never)).toThrow(TypeError)
  })

  it('shows in one map what is stored in another, after both descriptors are closed', () => {
    const size = 47474
    const { path } = file(size)
    const fdW = openSync(path, 'r+')
    const stored = mmap.map(size, PROT_WRITE, MAP_SHARED, fdW)
    closeSync(fdW)
    mmap.advise(stored, mmap.MADV_SEQUENTIAL)
    const fdR = openSync(path, 'r')
    const read = mmap.map(size, PROT_READ, MAP_SHARED, fdR)
    closeSync(fdR)
    mmap.advise(read, mmap.MADV_SEQUENTIAL)
    let differing = 0
    for (let at = 0; at < size; at++) {
      stored[at] = 32 + (at % 60)
      if (read[at] !== 32 + (at % 60)) differing++
    }
    expect(differing).toBe(0)
    mmap.sync(stored, 0, size, true, false)
    mmap.sync(stored, true, false)
    mmap.sync(stored, 0, size)
    mmap.sync(stored)
  })
})
