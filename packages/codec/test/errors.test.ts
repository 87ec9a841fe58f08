import { describe, expect, it } from 'vitest'
import { WalrusError } from '../src/index.ts'

describe('WalrusError', () => {
  it('is an Error with a name, a code, and the parts that were given', () => {
    const cause = new Error('underneath')
    const error = new WalrusError('WALRUS_SOMETHING', 'do this', {
      cause,
      file: '/data/1.wal',
      offset: 0,
      index: 7n,
    })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('WalrusError')
    expect(String(error)).toBe('WalrusError: do this')
    expect(error.stack).toContain('WalrusError: do this')
    expect(Object.fromEntries(Object.entries(error))).toEqual({
      code: 'WALRUS_SOMETHING',
      file: '/data/1.wal',
      offset: 0,
      index: 7n,
    })
    expect(error.cause).toBe(cause)
  })

  it('has no property for a part that was not given', () => {
    const error = new WalrusError('WALRUS_SOMETHING', 'do this', { file: undefined })
    expect(Object.keys(error)).toEqual(['code'])
    expect('cause' in error).toBe(false)
  })

  it('keeps a cause that is undefined or null, when one was given', () => {
    expect('cause' in new WalrusError('WALRUS_X', 'm', { cause: undefined })).toBe(true)
    expect(new WalrusError('WALRUS_X', 'm', { cause: null }).cause).toBe(null)
  })

  it('narrows its code by type', () => {
    const error: WalrusError<'WALRUS_A' | 'WALRUS_B'> = new WalrusError('WALRUS_A', 'm')
    expect(error.code).toBe('WALRUS_A')
  })
})
