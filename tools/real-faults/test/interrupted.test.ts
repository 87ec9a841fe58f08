import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-real-faults-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

// Mounts and processes are looked for where Linux shows them.
describe.skipIf(process.platform !== 'linux')('a program that is interrupted', () => {
  test.each([
    ['kill', 'SIGINT', 130],
    ['full', 'SIGTERM', 143],
    ['eio', 'SIGTERM', 143],
  ] as const)('%s leaves nothing behind after %s', async (program, signal, code) => {
    const child = spawn(process.execPath, [MAIN, program, '--runs', '1000'], {
      env: { ...process.env, TMPDIR: dir },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const exited = once(child, 'close')
    const said = text(child.stderr)
    while (child.exitCode === null && readdirSync(dir).length === 0) await sleep(10)
    await sleep(300)
    child.kill(signal)
    const [status] = (await exited) as [number]
    // Where nothing can be mounted or traced it may have come to its end.
    expect([code, 0]).toContain(status)
    expect(await said).toBe('')
    expect(readdirSync(dir, { recursive: true })).toEqual([])
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir)
    // One that was killed needs a moment to be gone.
    await expect.poll(() => processesIn(dir), { timeout: 10_000 }).toEqual([])
  })
})

function processesIn(path: string): string[] {
  return readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && commandLine(name).includes(path),
  )
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has gone meanwhile.
    return ''
  }
}
