#!/usr/bin/env node
/** The `walrus` executable: runs the command line of this process and sets its exit code. */
import { describe, exitCodeOf } from './errors.ts'
import { run } from './program.ts'

function fail(error: unknown): void {
  process.stderr.write(describe(error))
  process.exitCode = exitCodeOf(error)
}

process.on('uncaughtException', (error) => {
  fail(error)
  process.exit()
})

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  fail(error)
}
