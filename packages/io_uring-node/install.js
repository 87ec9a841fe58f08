// Runs when the package is installed: a packed binary that loads is used, otherwise one is compiled.
// Where neither works it prints one line and succeeds; the package then says why when it is used.
import { createRequire } from 'node:module'
import { compile, name } from './compile.js'

const require = createRequire(import.meta.url)

if (!loads(`./prebuilds/${process.platform}-${process.arch}/${name}.node`)) {
  const reason = install()
  if (reason !== undefined) {
    process.stdout.write(`${name}: no native binary, going on without: ${reason}\n`)
  }
}

function install() {
  try {
    const done = compile()
    if (!done.ok) return done.reason.trim().split('\n')[0]
    return loads(`./build/${name}.node`) ? undefined : 'what was compiled does not load'
  } catch (error) {
    return error.message.split('\n')[0]
  }
}

function loads(path) {
  try {
    require(path)
    return true
  } catch {
    return false
  }
}
