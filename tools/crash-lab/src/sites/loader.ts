/**
 * Loads the packages, and what is written on top of them, with one site left out.
 *
 * The same process, or worker thread, can load them as often as it likes; each time is a set of modules of its own,
 * with classes and errors that are not those of another. What has been loaded stays in memory (about 2 MB each time): a
 * long run does its work in worker threads that it ends after some hundred sites.
 */

import * as module from 'node:module'
import { type MessagePort, MessageChannel } from 'node:worker_threads'
import { type Handed, load, replace, resolve, SIMULATE_FS } from './hooks.ts'
import type { Replacement } from './neutralise.ts'

/** Since Node 22.15: hooks that run in the thread that imports. */
interface WithHooks {
  readonly registerHooks?: (hooks: { resolve: typeof resolve; load: typeof load }) => void
}

let port: MessagePort | undefined
let ready = false
let loaded = 0

/**
 * Imports a module of this tool or of the packages, and with it all it imports of them.
 * @param entry the address of a built module (`dist`), which may import the packages like any other
 * @param replacement what stands in place of one of the packages' modules; all as it is without
 * @param simulateFs whether the storage on `node:fs` gets a simulated one (simulated-fs.ts)
 */
export async function importWith<T>(
  entry: string,
  replacement?: Replacement,
  simulateFs: boolean = false,
): Promise<T> {
  register()
  const query = `?site=${++loaded}${simulateFs ? SIMULATE_FS : ''}`
  if (replacement !== undefined) {
    if (port === undefined) replace(replacement, query)
    else await tell(port, replacement, query)
  }
  return (await import(entry + query)) as T
}

function register(): void {
  if (ready) return
  ready = true
  const { registerHooks } = module as WithHooks
  if (registerHooks !== undefined) {
    registerHooks({ resolve, load })
    return
  }
  const channel = new MessageChannel()
  const handed: Handed = { port: channel.port2 }
  port = channel.port1
  // It must not keep the process alive.
  port.unref()
  module.register('./hooks.js', import.meta.url, { data: handed, transferList: [channel.port2] })
}

async function tell(to: MessagePort, replacement: Replacement, query: string): Promise<void> {
  await new Promise<void>((done) => {
    to.ref()
    to.once('message', () => {
      to.unref()
      done()
    })
    to.postMessage({ replacement, query })
  })
}
