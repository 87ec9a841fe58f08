// Runs a program to its end.
import { execFile } from 'node:child_process'

export interface Done {
  status: number
  /** stdout, then stderr. */
  output: string
}

/** @throws when the program cannot be started */
export function run(program: string, args: string[], cwd?: string): Promise<Done> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const output = stdout + stderr
      if (error === null) resolve({ status: 0, output })
      else if (typeof error.code === 'number') resolve({ status: error.code, output })
      else reject(error)
    })
  })
}
