export { MmapFile } from './file.ts'
export { auto, type Choice, checksums, type MmapOptions, mmap } from './storage.ts'
