import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tracedCalls } from '../src/strace.ts'

const OUTPUT = `\
10  openat(AT_FDCWD</>, "/log/TAIL", O_RDWR) = 18</log/TAIL>
11  pwrite64(19</log/000000000001.seg>, ""..., 10, 0 <unfinished ...>
10  pwrite64(18</log/TAIL>, ""..., 128, 512) = 128
11  <... pwrite64 resumed>)               = -1 EIO (Input/output error) (INJECTED)
10  fsync(20</log>)                       = -1 EIO (Input/output error) (INJECTED)
10  fsync(20</log>)                       = 0
--- a line that is no call
10  +++ exited with 0 +++
`

test('system calls are read from what strace writes, also those that were interrupted', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'walrus-real-faults-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'calls'), OUTPUT)
  const calls = await tracedCalls(join(dir, 'calls'))
  expect(calls.map(({ thread, name, injected }) => [thread, name, injected])).toEqual([
    ['10', 'openat', false],
    ['11', 'pwrite64', true],
    ['10', 'pwrite64', false],
    ['10', 'fsync', true],
    ['10', 'fsync', false],
  ])
})
