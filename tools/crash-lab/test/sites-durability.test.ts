import { describe, expect, test } from 'vitest'
import { instead, shown, sitesOf } from './small-workspace.ts'

describe('a sync is a site', () => {
  test('on the interface, with and without waiting, and on a class that implements it', () => {
    const sites = sitesOf(`
      export class Tail {
        readonly #file: StorageFile
        constructor(file: StorageFile) { this.#file = file }
        begin(): Promise<void> { return this.#file.sync() }
        beginNow(): void { this.#file.syncSync(); this.#file.syncSync() }
      }
      class File { sync(): Promise<void> { return Promise.resolve() } }
      export function other(file: File): Promise<void> { return file.sync() }
      export abstract class Own implements Real {
        abstract size(): Promise<number>
        abstract read(): Promise<number>
        abstract write(): Promise<void>
        abstract writeSync(): void
        abstract close(): Promise<void>
        sync(): Promise<void> { return Promise.resolve() }
        syncSync(): void {}
        both(): void { this.syncSync() }
      }
      interface Real extends StorageFile {}
    `)
    expect(shown(sites)).toEqual([
      'log/a.ts Tail.begin sync#1: this.#file.sync()',
      'log/a.ts Tail.beginNow sync#1: this.#file.syncSync()',
      'log/a.ts Tail.beginNow sync#2: this.#file.syncSync()',
      'log/a.ts Own.both sync#1: this.syncSync()',
    ])
    const now = 'undefined'
    expect(sites.map(instead)).toEqual(['Promise.resolve()', now, now, now])
  })

  test('in the storage itself: of node:fs, however it is called', () => {
    const sites = sitesOf(`
      import { fdatasync, fsync, fsyncSync as now, read } from 'node:fs'
      import { open } from 'node:fs/promises'
      import { promisify } from 'node:util'
      const either = process.platform === 'darwin' ? fsync : fdatasync
      export function callback(fd: number, done: (error: Error | null) => void): void {
        either(fd, done)
        read(fd, () => {})
      }
      export function atOnce(fd: number): void { now(fd) }
      export function promised(fd: number): Promise<void> { return promisify(fsync)(fd) }
      export const handle = async () => (await open('a')).datasync()
    `)
    expect(shown(sites.filter(({ kind }) => kind === 'sync'))).toEqual([
      'log/a.ts callback sync#1: either(fd, done)',
      'log/a.ts atOnce sync#1: now(fd)',
      'log/a.ts promised sync#1: promisify(fsync)(fd)',
      "log/a.ts handle sync#1: (await open('a')).datasync()",
    ])
  })

  test('of a directory, also by the function that a storage has for it', () => {
    const sites = sitesOf(`
      export async function byInterface(storage: Storage): Promise<void> { storage.syncDirSync('a') }
      export function syncNames(_dir: string): Promise<void> { return Promise.resolve() }
      export function other(_dir: string): Promise<void> { return Promise.resolve() }
      export function make(): Storage {
        return { open: () => Promise.reject(new Error()), syncDir: syncNames, syncDirSync: () => {} }
      }
      export const lock = () => syncNames('a').then((done) => other(String(done)))
    `)
    expect(shown(sites)).toEqual([
      "log/a.ts byInterface directory sync#1: storage.syncDirSync('a')",
      "log/a.ts lock directory sync#1: syncNames('a')",
    ])
  })
})

describe('a durable write is a site', () => {
  test('unless its argument is false, and where a parameter becomes that argument', () => {
    const sites = sitesOf(`
      const bytes = new Uint8Array(1)
      export function one(file: StorageFile, durable: boolean): void {
        file.writeSync(bytes, 0, true)
        file.writeSync(bytes, 0, durable)
        file.writeSync(bytes, 0, false)
      }
      export function two(file: StorageFile, late: boolean): void { one(file, !late); one(file, false); three(file, late) }
      function three(file: StorageFile, late: boolean): void { one(file, late) }
    `)
    expect(shown(sites)).toEqual([
      'log/a.ts one durable write#1: file.writeSync(bytes, 0, true)',
      'log/a.ts one durable write#2: file.writeSync(bytes, 0, durable)',
      'log/a.ts two durable write#1: one(file, !late)',
      'log/a.ts two durable write#2: three(file, late)',
      'log/a.ts three durable write#1: one(file, late)',
    ])
    expect(new Set(sites.map(instead))).toEqual(new Set(['false']))
  })

  test('by a flag of node:fs', () => {
    const sites = sitesOf(`
      import { constants, openSync } from 'node:fs'
      export const open = () => openSync('a', constants.O_WRONLY | constants.O_DSYNC)
    `)
    expect(shown(sites)).toEqual(['log/a.ts open durable write#1: constants.O_DSYNC'])
    expect(instead(sites[0])).toBe('0')
  })
})

describe('a wait is a site', () => {
  const waits = (text: string) => shown(sitesOf(text).filter(({ kind }) => kind === 'wait'))

  test('where what is awaited syncs, by whatever it calls', () => {
    expect(
      waits(`
        export async function outer(storage: Storage): Promise<void> {
          const file = await storage.open('a')
          await inner(file)
          await file.write(new Uint8Array(1), 0, false)
          await file.close()
          const answer = await valued(file)
          if (answer) await valued(file)
        }
        async function inner(file: StorageFile): Promise<void> { await file.sync() }
        async function valued(file: StorageFile): Promise<boolean> { await inner(file); return true }
      `),
    ).toEqual([
      'log/a.ts outer wait#1: await inner(file)',
      'log/a.ts outer wait#2: await valued(file)',
      'log/a.ts inner wait#1: await file.sync()',
      'log/a.ts valued wait#1: await inner(file)',
    ])
  })

  test('where a variable, field or parameter holds work under way that syncs', () => {
    expect(
      waits(`
        export class Ahead {
          #running: Promise<void> | undefined
          #other: Promise<void> | undefined
          poke(file: StorageFile): void {
            this.#running = this.#attempt(file.sync())
            this.#other = Promise.resolve()
            if (this.#running !== undefined) return
          }
          async #attempt(work: Promise<void>): Promise<void> { await work }
          async idle(): Promise<void> { await this.#running; await this.#other }
        }
      `),
    ).toEqual([
      'log/a.ts Ahead.#attempt wait#1: await work',
      'log/a.ts Ahead.idle wait#1: await this.#running',
    ])
  })

  test('where a procedure yields an operation that syncs, or another procedure', () => {
    expect(
      waits(`
        interface Operation { start(): Promise<unknown>; now(): unknown }
        type Procedure = Generator<Operation, void, void>
        function syncOf(file: StorageFile): Operation {
          return { start: () => file.sync(), now: () => file.syncSync() }
        }
        function* whole(file: StorageFile): Procedure { yield syncOf(file) }
        export function* outer(file: StorageFile): Procedure {
          yield* whole(file)
          yield { start: () => file.close(), now: () => {} }
        }
        export async function drive(procedure: Procedure): Promise<void> {
          for (const each of procedure) await each.start()
        }
        export async function all(file: StorageFile): Promise<void> { await drive(outer(file)) }
        export function step(each: Operation, next: () => void): void { each.start().then(() => next(), () => {}) }
        function* numbers(): Generator<number, void, void> { yield 1 }
        export const count = () => [...numbers()].length
      `),
    ).toEqual([
      'log/a.ts whole wait#1: yield syncOf(file)',
      'log/a.ts outer wait#1: yield* whole(file)',
      'log/a.ts drive wait#1: await each.start()',
      'log/a.ts all wait#1: await drive(outer(file))',
      'log/a.ts step wait#1: each.start().then(() => next(), () => {})',
    ])
  })

  test('for a signal that is given after a sync; a loop around it is left', () => {
    const sites = sitesOf(`
      export class Driver {
        #busy = false
        #waiting: (() => void)[] = []
        start(file: StorageFile): void { void file.sync().then(() => this.#end()) }
        #end(): void { for (const resolve of this.#waiting) resolve() }
        async idle(): Promise<void> {
          while (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
        }
      }
      export class Timer {
        #waiting: (() => void)[] = []
        async wait(): Promise<void> { await new Promise<void>((resolve) => this.#waiting.push(resolve)) }
      }
    `)
    const idle = sites.find(({ function: where }) => where === 'Driver.idle')
    expect(idle?.edits[0]?.text).toMatch(/^\{ void new Promise.*; break \}$/)
    expect(sites.filter(({ function: where }) => where.startsWith('Timer'))).toEqual([])
  })
})
