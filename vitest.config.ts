import { defineConfig } from 'vitest/config'

// What every package's tests share (`vitest run --config ../../vitest.config.ts`). The limits only
// bound a test that hangs: they leave room for a slow disk and a busy machine.
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
  },
})
