/**
 * Program: holds one subject and runs it when told to. Each subject has a process to itself, so that the compiler's
 * guesses, garbage and threads of one are not in the figures of another.
 *
 * usage: forked with NAME DIRECTORY BULK_BYTES, and --expose-gc; answers `Answer`s to any message, ends when disconnected
 */

import { NotRun, type Sample, type Subject } from './subject.ts'
import { SUBJECTS } from './subjects.ts'

export type Answer =
  | { readonly ready: true }
  | { readonly sample: Sample }
  | { readonly notRun: string }
  | { readonly failed: string }

async function answer(work: () => Promise<Answer>): Promise<void> {
  let result: Answer
  try {
    result = await work()
  } catch (error) {
    if (error instanceof NotRun) result = { notRun: error.message }
    else
      result = { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  process.send?.(result)
}

const [name, directory, bulkBytes] = process.argv.slice(2)
const factory = SUBJECTS[name ?? '']
if (directory === undefined || bulkBytes === undefined || factory === undefined) {
  throw new Error('usage: subject-process.js NAME DIRECTORY BULK_BYTES')
}

let subject: Subject
process.once('disconnect', () => process.exit())
process.on('message', () => {
  void answer(async () => {
    globalThis.gc?.()
    return { sample: await subject.run() }
  })
})
await answer(async () => {
  subject = await factory(directory, { bulkBytes: Number(bulkBytes) })
  return { ready: true }
})
