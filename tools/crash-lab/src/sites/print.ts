// `node dist/sites/print.js [kind]`: the sites, each on a line, then how many of each kind every file has.
import { deriveSites } from './derive.ts'
import { KINDS } from './site.ts'

const only = process.argv[2]
const sites = deriveSites().filter(({ kind }) => only === undefined || kind === only)
const lines = sites.map(({ name, line, text }) => `${name}  (line ${line})  ${text.slice(0, 100)}`)
const rows = [...new Set(sites.map(({ package: name, file }) => `${name}/${file}`)), 'all'].map(
  (file) => {
    const own = sites.filter((site) => file === 'all' || `${site.package}/${site.file}` === file)
    const counts = KINDS.map((kind) => own.filter((site) => site.kind === kind).length)
    return [file, ...counts, own.length]
  },
)
const table = [['file', ...KINDS, 'all'], ...rows].map(([file, ...counts]) =>
  [String(file).padEnd(28), ...counts.map((count) => String(count).padStart(15))].join(''),
)
process.stdout.write(`${[...lines, '', ...table].join('\n')}\n`)
