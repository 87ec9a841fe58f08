// One build at a time: two programs started at once must not write the same dist together.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 100

/**
 * Runs `work` while holding the lock file, which names the process that holds it. A lock whose
 * process is gone is taken over.
 * @template T
 * @param {string} file
 * @param {() => T} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  while (!tryLock(file)) {
    if (holderIsGone(file)) rmSync(file, { force: true })
    else await sleep(POLL_MS)
  }
  try {
    return work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** @param {string} file */
function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (code(error) === 'EEXIST') return false
    throw error
  }
}

/** @param {string} file */
function holderIsGone(file) {
  let pid
  try {
    pid = Number(readFileSync(file, 'utf8'))
  } catch (error) {
    if (code(error) === 'ENOENT') return false
    throw error
  }
  if (pid === 0) return false // created, its content not yet written
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return code(error) === 'ESRCH'
  }
}

/** @param {unknown} error */
function code(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
