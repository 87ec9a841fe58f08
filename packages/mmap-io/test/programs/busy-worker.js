// Does all that the package does, `rounds` times; says so after the first.
import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import {
  crc32,
  MAP_SHARED,
  map,
  PROT_READ,
  PROT_WRITE,
  RWF_DSYNC,
  sync,
  unmap,
  write,
} from '../../dist/index.js'

const { path, rounds } = workerData
const fd = openSync(path, 'r+')
const size = 64 * 4096
const kept = []
for (let round = 1; round <= rounds; round++) {
  const buffer = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
  buffer[0] = round
  crc32(buffer, 0, size, 0)
  sync(buffer, false)
  const writing = write(fd, buffer, 4096, 4096, 8192, RWF_DSYNC)
  if (round % 3 === 0) unmap(buffer)
  else if (round % 3 === 1) kept.push(buffer)
  if (round % 7 === 0) await writing
  if (round === 1) parentPort.postMessage('started')
}
