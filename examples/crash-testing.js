// Your own code under power losses: a counter that is kept as a snapshot now and then. It runs on a simulated disk, and
// power is lost in each of its calls, one after the other; then it has to be as it said it was.

import { Log } from '@walrus/log'
import { SimulatedDisk } from '@walrus/storage-sim'

/** The code to test: counts, and lets go of what it does not need. */
class Counter {
  constructor(log) {
    this.log = log
    this.count = 0
  }

  static async open(storage) {
    const counter = new Counter(await Log.open('/counter', { storage }))
    for await (const { data } of counter.log.entries()) {
      const text = Buffer.from(data).toString()
      counter.count = text === '+' ? counter.count + 1 : Number(text)
    }
    return counter
  }

  async add() {
    await this.log.append('+')
    this.count++
    if (this.count % 3 !== 0) return
    const snapshot = await this.log.append(String(this.count))
    // Once the snapshot is on disk, and not before: the other way round this test finds 0.
    await this.log.truncateFront(snapshot)
  }
}

let crashes = 0
let wrong = 0
for (let call = 0; ; call++) {
  const disk = new SimulatedDisk({ seed: call })
  disk.crashAt(call)
  let acknowledged = 0
  const { ended } = await disk.run(async (storage) => {
    const counter = await Counter.open(storage)
    for (let n = 1; n <= 7; n++) {
      await counter.add()
      acknowledged = n
    }
    await counter.log.close()
  })
  if (ended === 'returned') break
  crashes++
  const { value } = await disk.run(async (storage) => (await Counter.open(storage)).count)
  // What was said is there; one more may be, which was on its way.
  if (value < acknowledged || value > acknowledged + 1) wrong++
}
console.log(crashes > 20, wrong)

// true 0
