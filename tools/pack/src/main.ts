// `pnpm check:pack`: packs every package that can be published, and checks the tarballs.
// Expects the packages to be built.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkContents, readManifest } from './contents.ts'
import { lint, lintTypes } from './lint.ts'
import { run } from './run.ts'

const root = join(import.meta.dirname, '../../..')
const license = readFileSync(join(root, 'LICENSE'), 'utf8')
const temporary = mkdtempSync(join(tmpdir(), 'walrus-pack-'))
try {
  const dirs = publishable()
  let wrong = 0
  for (const dir of dirs) {
    const findings = await checkPackage(dir)
    for (const finding of findings) process.stdout.write(`${dir}: ${finding}\n`)
    wrong += findings.length
  }
  process.stdout.write(`pack: ${dirs.length} packages, ${wrong === 0 ? 'ok' : `${wrong} wrong`}\n`)
  process.exitCode = wrong === 0 ? 0 : 1
} finally {
  rmSync(temporary, { recursive: true })
}

function publishable(): string[] {
  return ['packages', 'apps']
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .filter((dir) => existsSync(join(root, dir, 'package.json')))
    .filter((dir) => readManifest(join(root, dir)).private !== true)
}

async function checkPackage(dir: string): Promise<string[]> {
  const into = join(temporary, dir)
  mkdirSync(into, { recursive: true })
  const packed = await run('pnpm', ['pack', '--pack-destination', into], join(root, dir))
  if (packed.status !== 0) return [`cannot be packed:\n${packed.output}`]
  const tarball = join(into, readdirSync(into).find((name) => name.endsWith('.tgz')) ?? '')
  const unpacked = await run('tar', ['-xzf', tarball, '-C', into])
  if (unpacked.status !== 0) return [`cannot be unpacked:\n${unpacked.output}`]
  const content = join(into, 'package')
  return [
    ...checkContents(content, join(root, dir), license),
    ...(await lint(tarball)),
    ...(readManifest(content).exports === undefined ? [] : await lintTypes(tarball)),
  ]
}
