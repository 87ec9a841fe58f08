/* Shared memory and the table to find it by. The invariant stands in block.h. */
#ifdef __linux__
#include "block.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

block *block_create(size_t size) {
  block *b = malloc(sizeof *b);
  if (b == NULL) return NULL;
  void *address =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    free(b);
    return NULL;
  }
  b->address = address;
  b->size = size;
  b->holders = 1;
  return b;
}

void block_hold(block *b) {
  b->holders++;
}

void block_release(block *b) {
  if (--b->holders > 0) return;
  munmap(b->address, b->size);
  free(b);
}

/* How many blocks of the table start at `address` or before it. */
static size_t upto(const block_table *table, const uint8_t *address) {
  size_t low = 0;
  size_t high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table->sorted[middle]->address <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool block_table_add(block_table *table, block *b) {
  if (table->count == table->room) {
    size_t room = table->room == 0 ? 16 : 2 * table->room;
    block **grown = realloc(table->sorted, room * sizeof *grown);
    if (grown == NULL) return false;
    table->sorted = grown;
    table->room = room;
  }
  size_t at = upto(table, b->address);
  memmove(&table->sorted[at + 1], &table->sorted[at], (table->count - at) * sizeof(block *));
  table->sorted[at] = b;
  table->count++;
  return true;
}

void block_table_remove(block_table *table, const block *b) {
  size_t at = upto(table, b->address);
  if (at == 0 || table->sorted[at - 1] != b) return;
  memmove(&table->sorted[at - 1], &table->sorted[at], (table->count - at) * sizeof(block *));
  table->count--;
}

block *block_table_find(const block_table *table, const uint8_t *address, size_t length) {
  size_t at = upto(table, address);
  if (at == 0) return NULL;
  block *b = table->sorted[at - 1];
  size_t offset = (size_t)(address - b->address);
  return offset <= b->size && length <= b->size - offset ? b : NULL;
}
#endif
