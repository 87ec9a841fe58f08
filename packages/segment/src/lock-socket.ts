/**
 * A socket that shows its process alive.
 *
 * The kernel accepts connections into a listener's backlog for as long as the process exists, even
 * stopped or busy, and refuses them from the moment it is gone, however it went. No timeout, no
 * heartbeat, no process id that may have been given to another process.
 *
 * Invariants:
 * - The socket does not keep its process alive and is not inherited (Node opens with CLOEXEC).
 * - libuv unlinks, when a listener closes, the path it was bound to. That path may mean another
 *   directory by then, so the name bound is a random one, and the file is renamed at once.
 */

import { randomBytes } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { errnoOf } from './system-error.ts'

/** The socket's name in its directory. */
export const SOCKET_NAME = 'socket'
const PIPE_PREFIX = '\\\\.\\pipe\\walrus-'

/** Bytes of a socket's path that every system takes: 104 on macOS and 108 on Linux, with a zero at the end. */
const PATH_LIMIT = 103

/** How long a living holder has to answer before it counts as busy, in milliseconds. */
const ANSWER_MS = 150

/** What binding fails with where there can be no sockets: FAT, some FUSE and network file systems. */
const NO_SOCKETS_HERE = new Set([
  'EACCES',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'ENAMETOOLONG',
])

export interface Listener {
  /** Where to connect: a name in the directory, or a pipe. `null` where there can be no socket. */
  readonly address: string | null
  close(): Promise<void>
}

/**
 * - `answered`: a process accepted the connection.
 * - `silent`: the kernel took it for a living process, which has not answered so far.
 * - `refused`: no process listens any more.
 * - `unreachable`: there is no socket, or it cannot be tried from here.
 */
export type Probe = 'answered' | 'silent' | 'refused' | 'unreachable'

/** Whether a string read from a file is an address that {@link listen} may have given. */
export function isAddress(address: string): boolean {
  return address === SOCKET_NAME || address.startsWith(PIPE_PREFIX)
}

/**
 * Runs `use` with a path short enough for a socket: for a long directory, on Linux, one through an
 * open descriptor of it. Elsewhere there is none, and the answer is `undefined`.
 */
async function withSocketPath<T>(
  dir: string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T | undefined> {
  const path = join(dir, name)
  if (Buffer.byteLength(path) <= PATH_LIMIT) return use(path)
  if (process.platform !== 'linux') return undefined
  const handle = await open(dir, 'r')
  try {
    return await use(`/proc/self/fd/${handle.fd}/${name}`)
  } finally {
    await handle.close()
  }
}

function listenAt(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // Exclusive: in a worker of node:cluster the primary would listen instead, and outlive it.
    server.listen({ path, exclusive: true }, () => {
      server.removeListener('error', reject)
      // A connection that cannot be accepted (no descriptor left) has been answered by the kernel.
      server.on('error', () => {})
      server.unref()
      resolve(server)
    })
  })
}

function listener(address: string, server: Server): Listener {
  return {
    address,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Listens in an existing directory. */
export async function listen(dir: string): Promise<Listener> {
  const name = randomBytes(8).toString('hex')
  if (process.platform === 'win32') {
    const address = PIPE_PREFIX + name
    return listener(address, await listenAt(address))
  }
  let server: Server | undefined
  try {
    server = await withSocketPath(dir, name, listenAt)
  } catch (error) {
    if (!NO_SOCKETS_HERE.has(errnoOf(error) ?? '')) throw error
  }
  if (!server) return { address: null, close: () => Promise.resolve() }
  const listening = listener(SOCKET_NAME, server)
  try {
    await rename(join(dir, name), join(dir, SOCKET_NAME))
  } catch (error) {
    await listening.close()
    throw error
  }
  return listening
}

function probePath(path: string): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    let timer: NodeJS.Timeout | undefined
    const settle = (probe: Probe): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(probe)
    }
    socket.once('connect', () => {
      timer = setTimeout(() => settle('silent'), ANSWER_MS)
      socket.resume()
    })
    socket.once('end', () => settle('answered'))
    socket.on('error', (error) => {
      const errno = errnoOf(error)
      if (errno === 'ECONNREFUSED') settle('refused')
      // The backlog is full: somebody must own it. On Windows: every instance of the pipe is taken.
      else if (errno === 'EAGAIN' || errno === 'EBUSY') settle('silent')
      // It died, or let go, with this connection in its backlog.
      else if (errno === 'ECONNRESET') settle('refused')
      else if (errno === 'ENOENT' && path.startsWith(PIPE_PREFIX)) settle('refused')
      else settle('unreachable')
    })
  })
}

/** Asks whether the process behind an address lives. Never throws; changes nothing on disk. */
export async function probe(dir: string, address: string): Promise<Probe> {
  if (address !== SOCKET_NAME) return probePath(address)
  try {
    return (await withSocketPath(dir, address, probePath)) ?? 'unreachable'
  } catch {
    // The directory cannot be opened.
    return 'unreachable'
  }
}
