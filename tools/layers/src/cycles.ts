// Import cycles between files (Tarjan's strongly connected components, 1972).

/** The files each file imports. */
export type Graph = ReadonlyMap<string, readonly string[]>

/**
 * One cycle for each group of files that reach one another, as a path whose last file imports its
 * first. A file that imports itself is a cycle of one.
 */
export function cycles(graph: Graph): string[][] {
  return components(graph).flatMap((component) => {
    const [first] = component
    if (first === undefined) return []
    const alone = component.length === 1 && !(graph.get(first) ?? []).includes(first)
    return alone ? [] : [shortestCycle(graph, first)]
  })
}

function components(graph: Graph): string[][] {
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const visit = (file: string): number => {
    const own = order.size
    let low = own
    order.set(file, own)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next))
      else if (stack.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next) ?? own)
    }
    lowest.set(file, low)
    if (low === own) found.push(stack.splice(stack.indexOf(file)).sort())
    return low
  }
  for (const file of [...graph.keys()].sort()) if (!order.has(file)) visit(file)
  return found
}

/** Breadth first from `start` back to itself. */
function shortestCycle(graph: Graph, start: string): string[] {
  const paths = [[start]]
  const seen = new Set<string>()
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? start) ?? []) {
      if (next === start) return path
      if (seen.has(next)) continue
      seen.add(next)
      paths.push([...path, next])
    }
  }
  return [start]
}
