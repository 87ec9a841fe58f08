import { defineConfig } from 'vitest/config'
import { CountReporter } from './tools/ci/reporter.js'

// What every package's tests share: vitest looks for its configuration upwards. The limits only bound
// a test that hangs: they leave room for a slow disk and a busy machine.
const reports = process.env['WALRUS_TEST_REPORTS']

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    reporters: reports === undefined ? ['default'] : ['default', new CountReporter(reports)],
  },
})
