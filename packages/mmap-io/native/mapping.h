/*
 * One map and who still needs its addresses.
 *
 * Invariant: the addresses of a map are given back to the system only when nothing can reach them
 * any more: V8 has let go of the backing store, the ArrayBuffer object made for it was collected, and
 * no write is under way. `unmap` empties the views, lets go of the file at once and puts reserved,
 * empty memory in its place, so that code which still holds the address (a compression in the
 * thread pool, say) reads zeros, never another map's bytes and never an unmapped page.
 *
 * All of this runs on the thread of one environment, so the counts are plain.
 */
#ifndef WALRUS_MMAP_IO_MAPPING_H
#define WALRUS_MMAP_IO_MAPPING_H

#include "addon.h"

typedef struct {
  uint8_t *address;
  size_t size;
  /* The backing store and the ArrayBuffer object: each lets go once. */
  unsigned owners;
  /* Writes under way. */
  unsigned users;
  /* `unmap` was called. */
  bool retired;
} mapping;

/* The map that an ArrayBuffer stands for; NULL if it stands for none of this addon's. */
mapping *mapping_of(napi_env env, napi_value buffer);

/* Keeps the bytes where they are until `mapping_leave`, even when it is unmapped meanwhile. */
void mapping_use(mapping *m);
void mapping_leave(mapping *m);

#endif
