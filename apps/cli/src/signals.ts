/** Signals that end a command in good order. */

/** The first SIGINT or SIGTERM aborts `stop`; a second one ends the process as it would without us. */
export function stopOnSignals(stop: AbortController): () => 'SIGINT' | 'SIGTERM' | undefined {
  let received: 'SIGINT' | 'SIGTERM' | undefined
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      received ??= name
      stop.abort()
    })
  }
  return () => received
}
