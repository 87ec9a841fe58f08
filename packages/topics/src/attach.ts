/** A view on its log: its state made from its stream. */

import type { Log, LogEntry } from '@walrus/log'

export interface View {
  readonly stream: string
  apply(entry: LogEntry): void
}

export interface Attachment {
  /** Takes in what another process has written. */
  refresh(): Promise<void>
}

export async function attach(log: Log, view: View): Promise<Attachment> {
  const stream = log.stream(view.stream)
  let at = 0
  const refresh = async (): Promise<void> => {
    for (;;) {
      const entries = await stream.read({ from: at })
      for (const entry of entries) view.apply(entry)
      if (entries.length === 0) return
      at = entries.at(-1)!.index + 1
    }
  }
  await refresh()
  return { refresh }
}
