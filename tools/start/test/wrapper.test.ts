import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

// Chains of real processes: "pnpm" is a script of that name that starts the program and waits.
let dir: string
let started: ChildProcess

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'walrus-start-'))
  const wrapper = JSON.stringify(import.meta.resolve('../lib/wrapper.js'))
  writeFileSync(
    join(dir, 'program.mjs'),
    `import { writeFileSync } from 'node:fs'
     import { dieWithWrapper } from ${wrapper}
     process.on('SIGTERM', () => {
       writeFileSync('ended', 'by SIGTERM')
       process.exit()
     })
     dieWithWrapper()
     setTimeout(() => {}, 60_000)
     writeFileSync('pid', String(process.pid))`,
  )
  writeFileSync(
    join(dir, 'pnpm.cjs'),
    `require('node:child_process').spawn(process.execPath, ['program.mjs'], { stdio: 'ignore' })
       .on('exit', () => process.exit())`,
  )
})

afterEach(async () => {
  if (started.exitCode === null && started.signalCode === null) {
    const exit = once(started, 'exit')
    started.kill('SIGKILL')
    await exit
  }
  if (isAlive(pid())) process.kill(pid(), 'SIGKILL')
  rmSync(dir, { recursive: true })
})

async function start(command: string, args: string[]): Promise<void> {
  started = spawn(command, args, { cwd: dir, stdio: 'ignore' })
  await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), { timeout: 20_000 })
}

function pid(): number {
  return existsSync(join(dir, 'pid')) ? Number(readFileSync(join(dir, 'pid'), 'utf8')) : 0
}

function isAlive(process_: number): boolean {
  try {
    return process_ > 0 && process.kill(process_, 0)
  } catch {
    return false
  }
}

function ended(): string {
  return existsSync(join(dir, 'ended')) ? readFileSync(join(dir, 'ended'), 'utf8') : ''
}

test('the program ends by SIGTERM when pnpm is killed', async () => {
  await start(process.execPath, ['pnpm.cjs'])
  started.kill('SIGKILL')
  await vi.waitFor(() => expect(ended()).toBe('by SIGTERM'), { timeout: 20_000 })
})

test('the program ends when npx above pnpm and a shell is killed', async () => {
  writeFileSync(
    join(dir, 'npx-cli.js'),
    `require('node:child_process').spawn('sh', ['-c', '"$0" pnpm.cjs; true', process.execPath])
     setTimeout(() => {}, 60_000)`,
  )
  await start(process.execPath, ['npx-cli.js'])
  started.kill('SIGKILL')
  await vi.waitFor(() => expect(ended()).toBe('by SIGTERM'), { timeout: 20_000 })
})

test('the program goes on when only the shell that put pnpm in the background is gone', async () => {
  await start('sh', ['-c', '"$0" pnpm.cjs & wait; true', process.execPath])
  started.kill('SIGKILL')
  await once(started, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(ended()).toBe('')
  expect(isAlive(pid())).toBe(true)
})

test('the program goes on when what started it is neither npx nor pnpm', async () => {
  await start('sh', ['-c', '"$0" program.mjs & wait; true', process.execPath])
  started.kill('SIGKILL')
  await once(started, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(ended()).toBe('')
  expect(isAlive(pid())).toBe(true)
})
