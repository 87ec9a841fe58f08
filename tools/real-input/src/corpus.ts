/**
 * A real text from what every checkout has: the sources, documentation and licences of the installed npm packages,
 * joined in a fixed order and repeated if need be.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export const CORPUS_BYTES = 100 * 1024 * 1024

const TEXT =
  /\.(?:[cm]?[jt]s|md|markdown|txt)$|^(?:licen[cs]e|notice|readme|changelog|authors)(?:[.-]|$)/i

/**
 * Writes at least `minBytes` of text from below `nodeModules` to `path`.
 * @returns bytes written
 */
export async function writeCorpus(
  nodeModules: string,
  path: string,
  minBytes: number,
): Promise<number> {
  const files: string[] = []
  for await (const file of textFiles(nodeModules)) files.push(file)
  const out = await open(path, 'wx')
  try {
    let bytes = 0
    while (bytes < minBytes) {
      const before = bytes
      for (const file of files) {
        bytes += await append(out, file)
        if (bytes >= minBytes) break
      }
      if (bytes === before) throw new Error(`there is no text below ${nodeModules}`)
    }
    return bytes
  } finally {
    await out.close()
  }
}

/** Depth first, by name; links are not followed, since they lead to what is found anyway. */
async function* textFiles(dir: string): AsyncGenerator<string, void, void> {
  const entries = await readdir(dir, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* textFiles(path)
    else if (entry.isFile() && TEXT.test(entry.name)) yield path
  }
}

async function append(out: FileHandle, file: string): Promise<number> {
  let bytes = 0
  for await (const chunk of createReadStream(file, {
    highWaterMark: 1 << 20,
  }) as AsyncIterable<Buffer>) {
    await out.writeFile(chunk)
    bytes += chunk.length
  }
  return bytes
}
