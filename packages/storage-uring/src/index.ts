export type { Choice } from '@walrus/storage-mmap'
export { auto, type UringOptions, uring } from './storage.ts'
