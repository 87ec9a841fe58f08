/** Keyv's own test suite for stores, as it is published. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Kv } from '@walrus/kv'
import Keyv from 'keyv'
import * as vitest from 'vitest'
import { KeyvWalrus } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'walrus-keyv-'))
const kv = await Kv.open(root)

// Each test makes Keyvs with stores of their own, which share what is below them.
vitest.afterAll(async () => {
  await kv.close()
  rmSync(root, { recursive: true })
})

keyvTestSuite(vitest, Keyv, () => new KeyvWalrus(kv))
keyvIteratorTests(vitest, Keyv, () => new KeyvWalrus(kv))
