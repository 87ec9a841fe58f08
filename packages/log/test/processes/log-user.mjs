// Opens the log in the directory it is given, and does as it is told by messages.
import { Log } from '@walrus/log'

const [dir] = process.argv.slice(2)
let log

const commands = {
  async open(options) {
    log = await Log.open(dir, options)
    return [log.firstIndex, log.lastIndex]
  },
  append: (texts) => Promise.all(texts.map((text) => log.append(text))),
  // `count` entries of `size` bytes, one after another.
  async appendMany({ count, size }) {
    for (let at = 0; at < count; at++) await log.append(new Uint8Array(size).fill(at))
    return log.lastIndex
  },
  appendToStream: ({ name, text }) => log.stream(name).append(text),
  async read() {
    await log.refresh()
    return (await log.range(1, Number.MAX_SAFE_INTEGER)).map(({ data }) =>
      Buffer.from(data).toString(),
    )
  },
  truncate: (lastKept) => log.truncate(lastKept),
  truncateFront: (firstKept) => log.truncateFront(firstKept),
  retain: (options) => log.retain(options),
  sync: () => log.sync(),
  close: () => log.close(),
}

process.on('message', async ({ command, argument }) => {
  try {
    process.send({ answer: await commands[command](argument) })
  } catch (error) {
    process.send({ error: error.code ?? String(error) })
  }
})
