/** The device's own rate of durable writes: `native/sync-loop.c`, compiled here and now. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { NotRun, type Sample, type Subject } from './subject.ts'
import { LONE_GROUP_BYTES, MEASURE_SECONDS, WARMUP_SECONDS } from './workload.ts'

const SOURCE = fileURLToPath(new URL('../native/sync-loop.c', import.meta.url))

/** Enough zeros for 350,000 records; where the file fills up first, the loop ends early and says when. */
const FILE_BYTES = 64 << 20

const execute = promisify(execFile)

/** One writer that syncs each record of the size our lone appends have. */
export async function syncLoop(directory: string): Promise<Subject> {
  const program = join(directory, 'sync-loop')
  try {
    await execute('cc', ['-O2', '-o', program, SOURCE])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new NotRun('no C compiler')
    throw error
  }
  const sizes = [LONE_GROUP_BYTES, FILE_BYTES, WARMUP_SECONDS * 1000, MEASURE_SECONDS * 1000]
  return {
    async run() {
      const { stdout } = await execute(program, [join(directory, 'data'), ...sizes.map(String)], {
        maxBuffer: 64 << 20,
      })
      return parse(stdout)
    },
  }
}

function parse(output: string): Sample {
  const [head = '', ...times] = output.trimEnd().split('\n')
  const [operations, seconds] = head.split(' ').map(Number)
  if (operations === undefined || seconds === undefined || times.length !== operations) {
    throw new Error(`the C loop printed ${times.length} times under the heading "${head}"`)
  }
  return {
    values: { perSecond: operations / seconds },
    latencies: Float64Array.from(times, Number),
  }
}
