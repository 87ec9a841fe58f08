// Runs a program to its end.
import { spawn } from 'node:child_process'

export interface Done {
  /** Undefined when a signal ended it. */
  status: number | undefined
  /** stdout and stderr as they came. */
  output: string
}

/** @throws when the program cannot be started */
export async function run(
  [program = '', ...args]: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Done> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (signal !== null) output += `\nended by ${signal}`
      resolve({ status: code ?? undefined, output })
    })
  })
}
