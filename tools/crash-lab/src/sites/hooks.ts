/**
 * Module hooks that let the packages be loaded more than once, each time with another module in place of one of theirs.
 *
 * A module whose address has a query hands it on to what it imports of the workspace's own built modules; all else is
 * shared. So every query has packages of its own. They run in the thread that imports, or, before Node 22.15, in the
 * thread that Node keeps for hooks; `replace` then comes by a port.
 */

import type { MessagePort } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'
import type { Replacement } from './neutralise.ts'
import { ROOT } from './root.ts'

interface Resolved {
  url: string
}

const root = pathToFileURL(ROOT).href
/** What the storage on `node:fs` gets in place of Node's own modules, where the query asks for it. */
const SIMULATED: Readonly<Record<string, string>> = {
  'node:fs': new URL('simulated/fs.js', import.meta.url).href,
  'node:fs/promises': new URL('simulated/fs-promises.js', import.meta.url).href,
  'node:net': new URL('simulated/net.js', import.meta.url).href,
}
/** Part of the query of modules that are to have a simulated `node:fs`. */
export const SIMULATE_FS = '&fs=simulated'
const SEGMENT = `${root}packages/segment/dist/`
const replacements = new Map<string, string>()

/** Has a module replaced for everything with a query. */
export function replace({ url, source }: Replacement, query: string): void {
  replacements.set(url + query, source)
}

/** What the thread for hooks is told to begin with. */
export interface Handed {
  readonly port: MessagePort
}

export function initialize({ port }: Handed): void {
  port.on('message', ({ replacement, query }: { replacement: Replacement; query: string }) => {
    replace(replacement, query)
    port.postMessage(query)
  })
}

export function resolve<R extends Resolved | Promise<Resolved>, C extends { parentURL?: string }>(
  specifier: string,
  context: C,
  next: (specifier: string, context: C) => R,
): R | Resolved | Promise<Resolved> {
  const query = queryOf(context.parentURL)
  const simulated = query.endsWith(SIMULATE_FS) ? SIMULATED[specifier] : undefined
  const isOfStorage = context.parentURL?.startsWith(SEGMENT) === true
  const found = next(simulated !== undefined && isOfStorage ? simulated : specifier, context)
  if (query === '') return found
  return found instanceof Promise
    ? found.then((each) => withQuery(each, query))
    : withQuery(found, query)
}

export function load<R, C>(
  url: string,
  context: C,
  next: (url: string, context: C) => R,
): R | { format: 'module'; source: string; shortCircuit: true } {
  const source = replacements.get(url)
  if (source === undefined) return next(url, context)
  return { format: 'module', source, shortCircuit: true }
}

function queryOf(url: string | undefined): string {
  const at = url?.indexOf('?') ?? -1
  return at < 0 ? '' : url!.slice(at)
}

function withQuery(found: Resolved, query: string): Resolved {
  const { url } = found
  const isOurs = url.startsWith(root) && url.includes('/dist/') && !url.includes('/node_modules/')
  return isOurs && queryOf(url) === '' ? { ...found, url: url + query } : found
}
