/** The loops in C: compiled here and now, run once for each sample, and what they print. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { NotRun } from './subject.ts'

/** `NOT_HERE` of native/loop.h. */
const NOT_HERE = 3

/** Above what a loop prints with as many times as it keeps. */
const MAX_OUTPUT_BYTES = 64 << 20

const execute = promisify(execFile)

/** What a loop printed: the numbers of its heading, and the microseconds of each operation. */
export interface LoopOutput {
  readonly heading: readonly number[]
  readonly latencies: Float64Array
}

/** Runs the compiled program once. Throws {@link NotRun} where it says that it cannot run here. */
export type NativeLoop = (args: readonly (string | number)[]) => Promise<LoopOutput>

/** Compiles `native/<name>.c` into the directory. Throws {@link NotRun} where there is no compiler. */
export async function compileLoop(name: string, directory: string): Promise<NativeLoop> {
  const source = fileURLToPath(new URL(`../native/${name}.c`, import.meta.url))
  const program = join(directory, name)
  try {
    await execute('cc', ['-O2', '-o', program, source])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new NotRun('no C compiler')
    throw error
  }
  return async (args) => {
    try {
      const { stdout } = await execute(program, args.map(String), { maxBuffer: MAX_OUTPUT_BYTES })
      return parseLoopOutput(stdout)
    } catch (error) {
      if ((error as { code?: unknown }).code === NOT_HERE) {
        throw new NotRun('this system or filesystem cannot do it')
      }
      throw error
    }
  }
}

/** Reads a heading that begins with the number of times below it. */
export function parseLoopOutput(output: string): LoopOutput {
  const [head = '', ...times] = output.trimEnd().split('\n')
  const heading = head.split(' ').map(Number)
  if (heading.length < 2 || times.length !== heading[0] || heading.some(Number.isNaN)) {
    throw new Error(`the C loop printed ${times.length} times under the heading "${head}"`)
  }
  return { heading, latencies: Float64Array.from(times, Number) }
}
