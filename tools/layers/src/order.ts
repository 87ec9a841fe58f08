// The order of the packages, and the question it answers: may this package use that one?
//
// An import points down only. A package of packages/ that has no row here has no place yet, which is
// an error: a new package is placed on purpose.

/** Package directory, and the packages directly below it; what is below those is below it too. */
const BELOW: Record<string, readonly string[]> = {
  'packages/codec': [],
  'packages/mmap-io': [],
  'packages/io_uring-node': [],
  'packages/segment': ['packages/codec'],
  'packages/storage-sim': ['packages/segment'],
  'packages/storage-mmap': ['packages/segment', 'packages/mmap-io'],
  'packages/storage-uring': ['packages/storage-mmap', 'packages/io_uring-node'],
  'packages/log': ['packages/segment'],
  'packages/topics': ['packages/log'],
  'packages/kv': ['packages/log'],
  'packages/import': ['packages/topics', 'packages/kv'],
  'packages/level': ['packages/kv'],
}

const SIMULATED = 'packages/storage-sim'

/** What stands above a storage without knowing it, and so may be tested on the simulated one. */
const TESTED_ON_STORAGES = ['packages/log', 'packages/topics', 'packages/kv']

/** Storages whose own tests and examples put a log on them. */
const TESTED_UNDER_LOG = ['packages/storage-mmap', 'packages/storage-uring']

export function hasPlace(dir: string): boolean {
  return dir in BELOW || isApp(dir) || isTool(dir)
}

/**
 * @param from directory of the package that imports, relative to the root
 * @param to directory of the package it imports
 * @param inTests whether the import only runs in tests
 */
export function mayUse(from: string, to: string, inTests: boolean): boolean {
  if (isTool(from)) return true
  if (isApp(from)) return !isApp(to) && !isTool(to)
  if (inTests && TESTED_ON_STORAGES.includes(from) && to === SIMULATED) return true
  if (inTests && TESTED_UNDER_LOG.includes(from) && to === 'packages/log') return true
  return (BELOW[from] ?? []).some((below) => below === to || mayUse(below, to, false))
}

function isApp(dir: string): boolean {
  return dir.startsWith('apps/')
}

function isTool(dir: string): boolean {
  return dir.startsWith('tools/')
}
