// Takes the lock of the directory it is given and does as it is told by messages.
import cluster from 'node:cluster'
import { spawn } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { fd } from '@walrus/segment'

const [dir] = process.argv.slice(2)

const commands = {
  async lock() {
    const lock = await fd().lock(dir)
    commands.release = () => lock.release()
    return lock.epoch
  },
  // Keeps the event loop from running; answers before it does.
  busy(ms) {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms))
  },
  exit() {
    setTimeout(() => process.exit(0))
  },
  // Lets the process end by itself, if nothing keeps it.
  end() {
    setTimeout(() => process.disconnect())
  },
  // A child with every descriptor that can be inherited, outliving this process.
  spawn() {
    return spawn('sleep', ['30'], { stdio: 'inherit', detached: true }).pid
  },
  async lockInWorker() {
    const worker = new Worker(
      `import('@walrus/segment').then(({ fd }) => fd().lock(${JSON.stringify(dir)})).then(
         (lock) => require('node:worker_threads').parentPort.postMessage(lock.epoch),
         (error) => require('node:worker_threads').parentPort.postMessage(error.code),
       )
       setInterval(() => {}, 1000)`,
      { eval: true },
    )
    commands.endWorker = () => worker.terminate()
    return new Promise((resolve) => worker.once('message', resolve))
  },
  async lockInClusterWorker() {
    cluster.setupPrimary({ exec: process.argv[1], args: [dir] })
    const worker = cluster.fork()
    await new Promise((resolve) => worker.once('message', resolve))
    worker.send({ command: 'lock' })
    const epoch = new Promise((resolve) => {
      worker.once('message', ({ answer }) => resolve(answer))
    })
    commands.killClusterWorker = () => worker.process.kill('SIGKILL')
    return epoch
  },
}

process.on('message', async ({ command, argument }) => {
  try {
    process.send({ answer: await commands[command](argument) })
  } catch (error) {
    process.send({ answer: error.code, message: error.message, state: error.state })
  }
})

// A cluster worker's messages get lost before it listens.
if (cluster.isWorker) process.send('ready')
