#!/usr/bin/env node
// `pnpm walrus` in a checkout: build what is stale, then run apps/cli in this very process, so that
// stdin, stdout, signals and the exit code are the program's own and nothing stands between.
// Plain JavaScript, because it runs before anything is built. Writes to stderr only.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ensureBuilt } from '../lib/build.js'
import { dieWithWrapper } from '../lib/wrapper.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const entry = await ensureBuilt(root, 'apps/cli', 'walrus').catch((error) => {
  process.stderr.write(`walrus: cannot start: ${describe(error)}\n`)
  process.exit(1)
})
dieWithWrapper()
// pnpm may have been told to work from elsewhere (-C); paths are meant from where the user stands.
if (process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD)
process.argv[1] = entry
await import(pathToFileURL(entry).href)

/** @param {unknown} error */
function describe(error) {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'BuildError' ? error.message : (error.stack ?? error.message)
}
