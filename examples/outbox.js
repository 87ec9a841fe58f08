// The outbox without a second database: an order is stored and announced in one commit. Either both are there, or
// neither is, whatever happens in between.

import { Kv } from '@walrus/kv'
import { Log } from '@walrus/log'
import { Topics } from '@walrus/topics'

const log = await Log.open('./shop')
const [orders, topics] = await Promise.all([
  Kv.open(log, { valueEncoding: 'json' }),
  Topics.open(log),
])

async function place(id, order) {
  await topics.transaction(async (tx) => {
    // Refused with WALRUS_CONFLICT if there is an order of this id by then.
    orders.in(tx.set).expect(id, undefined).set(id, order)
    tx.append('placed', JSON.stringify({ id }))
  })
}

await place('order 1', { apples: 3 })
const refused = await place('order 1', { apples: 5 }).catch((error) => error)
console.log(refused.code)
console.log(await orders.get('order 1'))

// The one who sends mails, at any later time: what it has sent is on disk before it sends the next.
for await (const { data } of topics.topic('placed').consume()) {
  console.log(`mail about ${JSON.parse(Buffer.from(data).toString()).id}`)
}
console.log(topics.topic('placed').unread)

await topics.close()
await orders.close()
await log.close()

// WALRUS_CONFLICT
// { apples: 3 }
// mail about order 1
// 0
