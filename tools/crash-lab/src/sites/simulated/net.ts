/** As much of `node:net` as the lock uses, on a machine that has no sockets: it must do without them. */

import { EventEmitter } from 'node:events'
import { fail } from './machine.ts'

class NoServer extends EventEmitter {
  listen(): void {
    queueMicrotask(() => this.emit('error', fail('ENOTSUP', 'no sockets here')))
  }
}

export function createServer(): NoServer {
  return new NoServer()
}

export function connect(): never {
  throw fail('ENOTSUP', 'no sockets here')
}
