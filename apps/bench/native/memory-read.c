/*
 * How fast one thread reads memory that no cache holds: every word of a large block is added up, again and again.
 *
 * usage: memory-read BYTES MEASURE_MS
 * prints "PASSES SECONDS", then the microseconds of each pass, one to a line.
 */
#define _GNU_SOURCE
#include <stdint.h>

#include "loop.h"

/* 64 bytes at a time, in whatever registers there are; several sums, so that none waits for the one before. */
typedef uint64_t line __attribute__((vector_size(64)));
enum { SUMS = 4, MOST_TIMES = 1 << 20 };

static float times[MOST_TIMES];

static uint64_t sum_of(const line *lines, size_t count) {
  line sums[SUMS] = {{0}};
  for (size_t i = 0; i + SUMS <= count; i += SUMS)
    for (int sum = 0; sum < SUMS; sum++) sums[sum] += lines[i + sum];
  line all = sums[0];
  for (int sum = 1; sum < SUMS; sum++) all += sums[sum];
  uint64_t total = 0;
  for (size_t word = 0; word < sizeof(line) / sizeof(uint64_t); word++) total += all[word];
  return total;
}

int main(int count, char **argument) {
  if (count != 3) {
    fprintf(stderr, "usage: memory-read BYTES MEASURE_MS\n");
    return 2;
  }
  const size_t bytes = strtoull(argument[1], NULL, 10);
  const double measure = strtod(argument[2], NULL) * 1e3;
  void *block;
  if (posix_memalign(&block, 1 << 21, bytes) != 0) fail("posix_memalign");
  memset(block, 1, bytes);
  const uint64_t expected = bytes / sizeof(uint64_t) * UINT64_C(0x0101010101010101);

  long passes = 0;
  const double begun = microseconds();
  double before = begun;
  while (before - begun < measure && passes < MOST_TIMES) {
    if (sum_of(block, bytes / sizeof(line)) != expected) {
      fprintf(stderr, "the sum is wrong\n");
      return 1;
    }
    const double after = microseconds();
    times[passes++] = (float)(after - before);
    before = after;
  }
  printf("%ld %.9f\n", passes, (before - begun) / 1e6);
  for (long i = 0; i < passes; i++) printf("%.1f\n", times[i]);
  return 0;
}
