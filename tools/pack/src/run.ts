// Runs a program to its end.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Done {
  status: number
  /** stdout, then stderr. */
  output: string
}

const start = promisify(execFile)

/** @throws when the program cannot be started */
export async function run(program: string, args: string[], cwd?: string): Promise<Done> {
  try {
    const { stdout, stderr } = await start(program, args, { cwd, maxBuffer: 64 << 20 })
    return { status: 0, output: stdout + stderr }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number')
      throw error
    const { stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    return { status: error.code, output: `${stdout ?? ''}${stderr ?? ''}` }
  }
}
