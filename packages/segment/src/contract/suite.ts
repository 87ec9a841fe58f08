/**
 * What a storage package hands over to have its storage checked, and the little that the cases share.
 *
 * Nothing here depends on a test runner: `describe` and `it` of vitest, of node:test and of mocha all
 * fit, the last with a wrapper.
 */

import type { Storage } from '../storage.ts'

/** What the runner gives a case. A case that cannot run says so by `skip`, and why. */
export interface CaseContext {
  skip(reason: string): void
}

/** A storage to check, made anew for each case. */
export interface Subject {
  readonly storage: Storage
  /** An existing, empty directory. */
  readonly dir: string
  /** Called after the case, whether it passed or not. */
  cleanup(): Promise<void>
  /** Makes opening `path` fail for want of permission, until the function it resolves to is called. */
  readonly deny?: (path: string) => Promise<() => Promise<void>>
  /** Lets `ms` milliseconds of the storage's time pass. Default: waits. */
  readonly pass?: (ms: number) => Promise<void>
}

export interface ContractOptions {
  describe(name: string, body: () => void): void
  it(name: string, body: (context: CaseContext) => Promise<void>): void
  /** Names the storage in the cases' titles. */
  readonly name: string
  make(): Promise<Subject>
}

/** Defines one case; it gets a subject of its own. */
export type DefineCase = (
  title: string,
  body: (subject: Subject, context: CaseContext) => Promise<void>,
) => void

export function caseDefiner(options: ContractOptions): DefineCase {
  return (title, body) => {
    options.it(title, async (context) => {
      const subject = await options.make()
      try {
        await body(subject, context)
      } finally {
        await subject.cleanup()
      }
    })
  }
}

/** What `assert.rejects` and `assert.throws` are to find in an error. */
export function failure(code: string, file: string): { name: string; code: string; file: string } {
  return { name: 'WalrusError', code, file }
}

/** Bytes that differ from those at any other place and of any other seed, and are never zero. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state & 0xff || 1
  }
  return bytes
}

/** Lets real time pass. */
export function waitFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
