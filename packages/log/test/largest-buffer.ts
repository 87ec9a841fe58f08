/** How much memory is asked for at once. */

/** Notes the largest buffer that is made until the function it returns is called, which says its size in bytes. */
export function recordLargestBuffer(): () => number {
  const { ArrayBuffer: original } = globalThis
  let largest = 0
  globalThis.ArrayBuffer = new Proxy(original, {
    construct(target, [bytes, ...more]: [number]) {
      largest = Math.max(largest, bytes)
      return new target(bytes, ...more)
    },
  })
  return () => {
    globalThis.ArrayBuffer = original
    return largest
  }
}
