/**
 * The constants, under the names of the manual pages. Their values are the system's; those that a
 * system lacks are `undefined` there.
 */

const linux = process.platform === 'linux'

/** No access: touching the map ends the process. */
export const PROT_NONE = 0
/** The map can be read. */
export const PROT_READ = 1
/** The map can be written; the descriptor must be open for reading and writing unless it is private. */
export const PROT_WRITE = 2
/** The map can be executed. */
export const PROT_EXEC = 4

/** Stores reach the file and everyone who maps it. */
export const MAP_SHARED = 1
/** Stores stay in this map: a page that is written becomes a copy. */
export const MAP_PRIVATE = 2
/** With `MAP_POPULATE`: do not read ahead. Linux. */
export const MAP_NONBLOCK = (linux ? 0x10000 : undefined) as 65536
/** Read the whole map into memory at once. Linux. */
export const MAP_POPULATE = (linux ? 0x8000 : undefined) as 32768
/** Set no memory aside for a private map's copies. */
export const MAP_NORESERVE: 16384 | 64 = linux ? 0x4000 : 0x40

/** Take back earlier advice. */
export const MADV_NORMAL = 0
/** Expect reads in no order: do not read ahead. */
export const MADV_RANDOM = 1
/** Expect reads in order: read far ahead. */
export const MADV_SEQUENTIAL = 2
/** Expect reads soon: start reading now. */
export const MADV_WILLNEED = 3
/** Let the pages go; a private map loses what was stored in it. */
export const MADV_DONTNEED = 4
/** Use huge pages where they fit. Linux. */
export const MADV_HUGEPAGE = (linux ? 14 : undefined) as 14
/** Use no huge pages. Linux. */
export const MADV_NOHUGEPAGE = (linux ? 15 : undefined) as 15
/** Read every page in and map it, as if each had been read. Linux 5.14. */
export const MADV_POPULATE_READ = (linux ? 22 : undefined) as 22
/** Make every page ready to be stored to, as if each had been. Linux 5.14. */
export const MADV_POPULATE_WRITE = (linux ? 23 : undefined) as 23

/** Take back earlier advice on a file. */
export const POSIX_FADV_NORMAL = 0
/** Expect reads of the file in no order. */
export const POSIX_FADV_RANDOM = 1
/** Expect reads of the file in order. */
export const POSIX_FADV_SEQUENTIAL = 2
/** Start reading the range into the page cache. */
export const POSIX_FADV_WILLNEED = 3
/** Drop the range from the page cache; what is not on disk yet stays. */
export const POSIX_FADV_DONTNEED = 4
/** Expect each byte to be read once. */
export const POSIX_FADV_NOREUSE = 5

/** The write is on disk, with what is needed to read it back, when the call returns. */
export const RWF_DSYNC = 2
/** As `RWF_DSYNC`, and so are all the file's attributes. */
export const RWF_SYNC = 4
