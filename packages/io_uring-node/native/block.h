/*
 * Memory that JavaScript and the kernel share: whole pages, given to JavaScript as an ArrayBuffer.
 *
 * Invariant: the pages of a block go back to the system only when V8 has let go of them and no
 * operation and no registration holds the block. So an ArrayBuffer may be dropped, transferred or
 * detached while the kernel reads or writes it. Memory that came from elsewhere gives no such
 * promise, which is why operations on it are copied.
 *
 * All of this runs on the thread of one environment, so the counts are plain.
 */
#ifndef WALRUS_IO_URING_BLOCK_H
#define WALRUS_IO_URING_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *address;
  size_t size;
  unsigned holders;
} block;

/* The blocks whose pages JavaScript can reach, by address. */
typedef struct {
  block **sorted;
  size_t count;
  size_t room;
} block_table;

/* A block of zeros with one holder, not yet in a table; NULL without memory. */
block *block_create(size_t size);
void block_hold(block *b);
void block_release(block *b);

/* False without memory. */
bool block_table_add(block_table *table, block *b);
void block_table_remove(block_table *table, const block *b);
/* The block that all of these bytes lie in; NULL if there is none. */
block *block_table_find(const block_table *table, const uint8_t *address, size_t length);

#endif
