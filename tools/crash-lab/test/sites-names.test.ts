import { describe, expect, test } from 'vitest'
import { deriveSites } from '../src/sites/derive.ts'
import { neutralise } from '../src/sites/neutralise.ts'
import { sitesOf } from './small-workspace.ts'

const names = (text: string) => sitesOf(text).map(({ name }) => name)

const BEGIN = `export function begin(file: StorageFile): void { file.syncSync() }`
const END = `export function end(file: StorageFile): void { file.syncSync() }`

describe('names', () => {
  test('stay the same while what stands elsewhere changes', () => {
    const before = names(`${BEGIN}\n${END}`)
    const after = names(`// A note.\nconst more = 1\nexport { more }\n${END}\n${BEGIN}`)
    expect(before).toEqual(['log/a.ts begin sync#1', 'log/a.ts end sync#1'])
    expect(after.toSorted()).toEqual(before)
  })

  test('a sync that is added is a site that was not there', () => {
    const added = END.replace('file.syncSync()', 'file.syncSync(); file.syncSync()')
    expect(names(`${BEGIN}\n${added}`)).toEqual([
      ...names(`${BEGIN}\n${END}`),
      'log/a.ts end sync#2',
    ])
  })

  test('two functions of one name in a class, a getter and a setter, share their count', () => {
    const accessors = `export class A {
      constructor(readonly_: StorageFile) { this.#file = readonly_ }
      #file: StorageFile
      get at(): number { this.#file.syncSync(); return 1 }
      set at(_value: number) { this.#file.syncSync() }
    }`
    expect(names(accessors)).toEqual(['log/a.ts A.at sync#1', 'log/a.ts A.at sync#2'])
  })
})

test('sources that do not compile are refused: sites would be missed', () => {
  expect(() => sitesOf('export const a: number = "text"')).toThrow(
    /the sources do not compile: .*a\.ts: Type 'string' is not assignable to type 'number'/,
  )
})

describe('the real packages', () => {
  const sites = deriveSites()

  test('have sites of every kind, each with a name of its own', () => {
    expect(new Set(sites.map(({ name }) => name)).size).toBe(sites.length)
    for (const name of [
      'segment/fd-file.ts FdFile.syncSync sync#1',
      'log/writer.ts Writer.#commit durable write#1',
      'log/writer.ts Writer.#commit wait#2',
      'log/maintenance.ts Maintenance.#syncDir directory sync#2',
      'segment/checks.ts isWhole checksum#1',
      'log/verdict.ts joins check#4',
    ]) {
      expect(sites.map((site) => site.name)).toContain(name)
    }
  })

  test('each of which can be left out, and leaves something else behind', () => {
    const whole = new Map<string, string>()
    for (const site of sites) {
      const key = `${site.package}/${site.file}`
      const without = whole.get(key) ?? neutralise({ ...site, edits: [] }).source
      whole.set(key, without)
      expect(neutralise(site).source, site.name).not.toBe(without)
    }
  })
})
