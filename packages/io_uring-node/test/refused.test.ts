/** Where io_uring is forbidden: every way to forbid it has its reason. */

import { execFileSync, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { refusal } from '../src/supported.ts'
import { scratch } from './scratch.ts'

const { dir } = scratch()
const { EPERM, ENOSYS, EINVAL, ENOMEM, EMFILE } = constants.errno
const entry = new URL('../dist/index.js', import.meta.url).href
const source = fileURLToPath(new URL('programs/refuse.c', import.meta.url))
const hasCompiler = spawnSync('cc', ['--version']).status === 0

describe.skipIf(!hasCompiler)('under a seccomp filter (needs cc)', () => {
  it.each([
    ['EPERM', EPERM, 'a seccomp filter'],
    ['ENOSYS', ENOSYS, 'without io_uring, or a seccomp filter'],
  ])('that answers %s, supported() says so and a ring throws it', (name, errno, reason) => {
    const refuse = join(dir(), 'refuse')
    execFileSync('cc', ['-O1', '-o', refuse, source])
    const code = `import { Ring, allocate, supported } from '${entry}'
      let error
      try { new Ring() } catch (thrown) { error = thrown }
      console.log(JSON.stringify([supported(), error.code, error.message, allocate(1).length]))`
    const args = [String(errno), process.execPath, '--input-type=module', '--eval', code]
    const [state, thrown, message, length] = JSON.parse(
      execFileSync(refuse, args, { encoding: 'utf8' }),
    ) as [{ ok: boolean; code: string; reason: string }, string, string, number]
    expect(state).toMatchObject({ ok: false, code: 'WALRUS_URING_UNSUPPORTED' })
    expect(state.reason).toMatch(new RegExp(`^${name}: `))
    expect(state.reason).toContain(reason)
    expect(thrown).toBe('WALRUS_URING_UNSUPPORTED')
    expect(message).toContain(state.reason)
    expect(length).toBe(1)
  })
})

it.each([
  [EPERM, '2', 'the sysctl kernel.io_uring_disabled is 2, for everybody'],
  [EPERM, '1', 'the sysctl kernel.io_uring_disabled is 1, for all but CAP_SYS_ADMIN'],
  [EPERM, '0', 'a seccomp filter or a security module'],
  [EPERM, undefined, 'a seccomp filter or a security module'],
  [EINVAL, '0', 'too old, Linux 6.0 is needed'],
  [ENOSYS, undefined, 'was built without io_uring'],
  [ENOMEM, '0', 'RLIMIT_MEMLOCK'],
  [EMFILE, '0', 'EMFILE: too many open files'],
  [-1, '0', 'no event loop of libuv 1.x'],
])('error %i with the sysctl at %s: %s', (error, sysctl, reason) => {
  expect(refusal(error, sysctl)).toContain(reason)
})
