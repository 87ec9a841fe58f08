/*
 * CRC-32 (IEEE 802.3, as in zlib and gzip) of bytes at any alignment. Knows nothing of JavaScript.
 */
#ifndef WALRUS_MMAP_IO_CRC32_H
#define WALRUS_MMAP_IO_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Table k: what a byte contributes to the register after k more bytes have gone through it. */
typedef struct {
  uint32_t table[8][256];
} crc32_tables;

/* `crc` is the CRC-32 of what came before, 0 at the start; returns the one with `length` bytes more. */
typedef uint32_t crc32_function(const crc32_tables *tables, uint32_t crc, const uint8_t *data,
                                size_t length);

void crc32_fill(crc32_tables *tables);

/* Slicing-8: on every processor. */
crc32_function crc32_by_table;

/* The fastest one that this processor runs, and its name. */
crc32_function *crc32_choose(const char **name);

#endif
