import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseArguments } from '../src/arguments.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

describe('arguments', () => {
  test('have defaults', () => {
    expect(parseArguments(['kill'])).toEqual({
      program: 'kill',
      runs: 10,
      seed: 0,
      seeds: undefined,
      storage: 'fd',
      json: false,
    })
  })

  test('say it all', () => {
    const given = ['eio', '--runs', '7', '--seed', '8', '--storage', 'fd', '--json']
    expect(parseArguments(given)).toMatchObject({ program: 'eio', runs: 7, seed: 8, json: true })
    expect(parseArguments(['kill', '--seeds', '30-40']).seeds).toEqual({ from: 30, to: 40 })
  })

  test.each([
    [[], /one of kill, full, eio must be named, not nothing/],
    [['burn'], /not burn/],
    [['kill', 'full'], /not kill full/],
    [['kill', '--runs', '0'], /--runs must be a whole number from 1 to 1000000, not 0/],
    [['kill', '--runs', '1e3'], /--runs must be .*, not 1e3/],
    [['kill', '--runs', ''], /--runs must be/],
    [['kill', '--seed', '-1'], /--seed/],
    [['full', '--seed', '1000000001'], /--seed must be .* to 1000000000/],
    [['kill', '--seeds', '5'], /--seeds must be FROM-TO, such as 0-1999, not 5/],
    [['kill', '--seeds', '9-5'], /--seeds must go up, not from 9 to 5/],
    [['kill', '--seeds', '0-9999999999'], /--seeds must be a whole number/],
    [['kill', '--seeds', '0-5', '--seed', '1'], /--runs and --seed cannot be given with it/],
    [['eio', '--seeds', '0-5'], /--seeds is for kill, not for eio/],
    [['kill', '--storage', 'tape'], /--storage must be one of fd, not tape/],
    [['kill', '--storage', 'constructor'], /--storage must be one of fd/],
    [['kill', '--rums', '3'], /--rums/],
  ] as const)('%j are refused', (given, said) => {
    expect(() => parseArguments(given)).toThrow(said)
  })

  test('that are wrong end the program with 2 and what is right', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'kill', '--runs', 'x'], {
      encoding: 'utf8',
    })
    expect(stderr).toMatch(/^real faults: --runs must be .*, not x\nusage: real-faults kill\|full/)
    expect(stdout).toBe('')
    expect(status).toBe(2)
  })
})
