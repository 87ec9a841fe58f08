// Before packing: puts the binary that was built here where `install.js` looks for it. Binaries of
// other platforms that are there already are packed with it.
import { copyFileSync, mkdirSync } from 'node:fs'
import { name } from './compile.js'

const into = new URL(`prebuilds/${process.platform}-${process.arch}/`, import.meta.url)
mkdirSync(into, { recursive: true })
copyFileSync(new URL(`build/${name}.node`, import.meta.url), new URL(`${name}.node`, into))
