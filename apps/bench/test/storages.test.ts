import { WalrusError } from '@walrus/codec'
import { fd } from '@walrus/segment'
import { expect, it } from 'vitest'

import { orNotRun, storageNamed } from '../src/storages.ts'
import { NotRun } from '../src/subject.ts'

function failing(error: Error): Promise<unknown> {
  const made = orNotRun(() => Promise.reject(error))
  return made.catch((thrown: unknown) => thrown)
}

it.each(['WALRUS_NATIVE_MISSING', 'WALRUS_URING_UNSUPPORTED'] as const)(
  '%s is not run, with the reason',
  async (code) => {
    const thrown = await failing(new WalrusError(code, 'a sysctl forbids it'))
    expect(thrown).toBeInstanceOf(NotRun)
    expect(thrown).toHaveProperty('message', 'a sysctl forbids it')
  },
)

it('any other failure of a storage is a failure', async () => {
  const broken = new WalrusError('WALRUS_IO', 'the disk is gone')
  expect(await failing(broken)).toBe(broken)
})

it('a storage that can be used is handed on', async () => {
  const storage = fd()
  expect(await orNotRun(async () => storage)).toBe(storage)
})

it('the growing file is the fd storage without zeros', async () => {
  expect(await storageNamed('fd')).toMatchObject({ name: 'fd', zeroAhead: true })
  expect(await storageNamed('fd, growing')).toMatchObject({ name: 'fd', zeroAhead: false })
})
