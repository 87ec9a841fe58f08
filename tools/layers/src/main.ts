// `pnpm layers`: prints what is wrong with the imports of the workspace, one line each.
import { join } from 'node:path'
import { check } from './check.ts'

const findings = check(join(import.meta.dirname, '../../..'))
for (const finding of findings) process.stdout.write(`${finding}\n`)
process.stdout.write(findings.length === 0 ? 'layers: ok\n' : `layers: ${findings.length} wrong\n`)
process.exitCode = findings.length === 0 ? 0 : 1
