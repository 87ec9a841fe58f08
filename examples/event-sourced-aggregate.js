// An account that is nothing but its events. A command looks at the events there are, and appends new ones only if
// nobody has appended any in between: otherwise it looks again.

import { ConflictError, Log } from '@walrus/log'

const log = await Log.open('./accounts')

/** The state that the events of an account make, and how many there are. */
async function load(id) {
  let balance = 0
  const stream = log.stream(`account/${id}`)
  const { next } = stream
  if (next > 0) {
    for await (const { data } of stream.entries({ to: next - 1 })) {
      const event = JSON.parse(Buffer.from(data).toString())
      balance += event.type === 'deposited' ? event.amount : -event.amount
    }
  }
  return { stream, next, balance }
}

/** Decides what happens, on what has happened; again, where somebody was quicker. */
async function handle(id, decide) {
  for (;;) {
    const { stream, next, balance } = await load(id)
    const batch = log.batch()
    for (const event of decide(balance)) batch.append(stream, JSON.stringify(event))
    try {
      await log.commit(batch, { expect: { stream, next } })
      return
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      console.log('somebody was quicker: once more')
    }
  }
}

const deposit = (amount) => () => [{ type: 'deposited', amount }]
const withdraw = (amount) => (balance) => {
  if (balance < amount) throw new Error(`there is ${balance}, not ${amount}`)
  return [{ type: 'withdrawn', amount }]
}

await handle('ada', deposit(100))
// Two at once: both see 100, and only one of them can have 80.
const both = [handle('ada', withdraw(80)), handle('ada', withdraw(80))]
for (const { status, reason } of await Promise.allSettled(both)) {
  console.log(status === 'fulfilled' ? 'withdrawn' : `refused: ${reason.message}`)
}
console.log(`balance ${(await load('ada')).balance}`)
await log.close()

// somebody was quicker: once more
// withdrawn
// refused: there is 20, not 80
// balance 20
