/** Which streams of which logs have a store open on them in this process: one each, or its state would not be all. */

import { WalrusError } from '@walrus/codec'
import type { Log } from '@walrus/log'

const open = new WeakMap<Log, Set<string>>()

/** @throws `WALRUS_STREAM_IN_USE` */
export function claimStream(log: Log, stream: string): void {
  let streams = open.get(log)
  if (streams === undefined) {
    streams = new Set()
    open.set(log, streams)
  }
  if (streams.has(stream)) {
    const message = `a store is open on stream ${JSON.stringify(stream)} of this log already: share it, or close it first`
    throw new WalrusError('WALRUS_STREAM_IN_USE', message)
  }
  streams.add(stream)
}

export function freeStream(log: Log, stream: string): void {
  open.get(log)?.delete(stream)
}
