// Which entry points a package offers, read from its `exports`.

/**
 * @param exports the manifest's `exports`
 * @param subpath as in the field's keys: `.`, `./contract`
 */
export function offers(exports: unknown, subpath: string): boolean {
  return keysOf(exports).some((key) => {
    const star = key.indexOf('*')
    if (star < 0) return key === subpath
    const [before, after] = [key.slice(0, star), key.slice(star + 1)]
    return (
      subpath.length > before.length + after.length &&
      subpath.startsWith(before) &&
      subpath.endsWith(after)
    )
  })
}

function keysOf(exports: unknown): string[] {
  if (exports === undefined || exports === null) return []
  if (typeof exports !== 'object' || Array.isArray(exports)) return ['.']
  const named = Object.entries(exports).filter(([key]) => key.startsWith('.'))
  if (named.length === 0) return ['.']
  return named.filter(([, target]) => target !== null).map(([key]) => key)
}
