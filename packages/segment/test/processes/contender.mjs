// Takes and lets go of a lock over and over. What it does as a holder it appends to a journal that all
// contenders share; half of the time it kills itself while it holds, now and then while it tries.
import { appendFileSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fd } from '@walrus/segment'

const [dir, journalPath] = process.argv.slice(2)
const storage = fd()
const journal = openSync(journalPath, 'a')

// Should the test end first.
process.on('disconnect', die)

function note(what, epoch) {
  appendFileSync(journal, `${what} ${epoch} ${process.pid}\n`)
}

function die() {
  process.kill(process.pid, 'SIGKILL')
}

for (;;) {
  const doomed = Math.random() < 0.02 ? setTimeout(die, Math.random() * 40) : undefined
  let lock
  try {
    lock = await storage.lock(dir)
  } catch (error) {
    if (error.code !== 'WALRUS_LOCKED') throw error
    clearTimeout(doomed)
    await sleep(Math.random() * 10)
    continue
  }
  note('acquired', lock.epoch)
  const until = performance.now() + Math.random() * 40
  const killed = Math.random() < 0.5
  while (performance.now() < until) {
    note('holding', lock.epoch)
    await sleep(1)
  }
  if (killed) die()
  note('releasing', lock.epoch)
  clearTimeout(doomed)
  await lock.release()
}
