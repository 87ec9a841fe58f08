// Jobs on disk that several workers share. Each job is with one worker at a time, and done when it is acknowledged;
// one that fails is tried again, and what fails too often goes to a topic of its own.

import { Topics } from '@walrus/topics'

const topics = await Topics.open('./queue')
const jobs = topics.topic('jobs')
await jobs.appendBatch(['resize cat.jpg', 'resize nothing.jpg', 'resize dog.jpg'])

const workers = jobs.group('workers', {
  deadlineMs: 60_000, // a worker that dies gives its job back after a minute
  deadLetter: { topic: 'failed', after: 3 },
})

async function work(name) {
  for await (const job of workers.consume()) {
    const what = Buffer.from(job.data).toString()
    if (what.includes('nothing')) {
      console.log(`${what}: attempt ${job.attempts} failed`)
      await job.nack() // at once; nack(delayMs) later
    } else {
      console.log(`${what}: done`)
      await job.ack() // on disk when this resolves
    }
  }
  return name
}

await work('worker 1') // in your program any number of them: Promise.all([work(…), work(…)])
console.log(`${workers.pending} pending, ${topics.topic('failed').entries} given up`)
await topics.close()

// resize cat.jpg: done
// resize nothing.jpg: attempt 1 failed
// resize nothing.jpg: attempt 2 failed
// resize nothing.jpg: attempt 3 failed
// resize dog.jpg: done
// 0 pending, 1 given up
