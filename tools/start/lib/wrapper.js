// The program must not outlive the command the user started.
//
// `npx pnpm walrus` is a chain: npx, a shell, pnpm, this process. A signal sent to npx alone ends npx
// and the shell but reaches neither pnpm nor this process, which would stay behind and keep the
// log's lock. A process whose parent dies is given another one, so a link of the chain that broke is
// seen as a changed parent. Then this process ends itself as a SIGTERM from outside would.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

const POLL_MS = 100
const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh'])

/** Sends this process SIGTERM once a link between it and the topmost npx or pnpm breaks. */
export function dieWithWrapper() {
  const links = wrapperLinks(process.pid)
  const timer = setInterval(() => {
    if (links.every(([pid, parent]) => parentOf(pid) === parent)) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, POLL_MS)
  timer.unref()
}

/**
 * The links [process, its parent] from `pid` up to the topmost npx or pnpm above it; shells between
 * belong to the chain, a shell on top does not. None when neither npx nor pnpm started the process.
 * @param {number} pid
 * @returns {[pid: number, parent: number][]}
 */
export function wrapperLinks(pid) {
  /** @type {[number, number][]} */
  const links = []
  let length = 0
  for (let at = pid; ; ) {
    const parent = parentOf(at)
    const kind = parent === undefined ? 'other' : kindOf(parent)
    if (parent === undefined || kind === 'other') return links.slice(0, length)
    links.push([at, parent])
    if (kind === 'wrapper') length = links.length
    at = parent
  }
}

/**
 * @param {number} pid
 * @returns {number | undefined}
 */
function parentOf(pid) {
  if (pid === process.pid) return process.ppid
  const stat = read(`/proc/${pid}/stat`)
  // The name, in parentheses, may itself hold spaces and parentheses; state and parent follow it.
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
  return parent === undefined ? undefined : Number(parent)
}

/**
 * @param {number} pid
 * @returns {'wrapper' | 'shell' | 'other'}
 */
function kindOf(pid) {
  const command = read(`/proc/${pid}/cmdline`)?.split('\0')
  if (command === undefined) return pid === process.ppid && startedByPnpm() ? 'wrapper' : 'other'
  const [program = '', argument = ''] = command
  // npx calls itself "npm exec ..." in the process list; npm running a script is not our wrapper.
  if (program.startsWith('npm exec ') || basename(argument) === 'npx-cli.js') return 'wrapper'
  if (/^pnpm\b/.test(basename(program)) || /^pnpm\b/.test(basename(argument))) return 'wrapper'
  return SHELLS.has(basename(program)) && argument === '-c' ? 'shell' : 'other'
}

function startedByPnpm() {
  return process.env.npm_config_user_agent?.startsWith('pnpm/') === true
}

/**
 * @param {string} path
 * @returns {string | undefined} nothing where the process is gone or the system has no /proc
 */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
