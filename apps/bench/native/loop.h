/* What the loops share: a clock, an end with a reason, zeros, and the device's own count of what it wrote. */
#ifndef WALRUS_BENCH_LOOP_H
#define WALRUS_BENCH_LOOP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The exit code that says: not on this system or filesystem. */
enum { NOT_HERE = 3 };

static inline double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Writes zeros from the beginning, and syncs them. */
static inline void write_zeros(int file, off_t bytes) {
  enum { PIECE = 1 << 16 };
  static char zeros[PIECE];
  for (off_t at = 0; at < bytes; at += PIECE)
    if (pwrite(file, zeros, PIECE, at) != PIECE) fail("write zeros");
  if (fsync(file) != 0) fail("fsync");
}

struct device_writes {
  unsigned long long sectors, flushes;
};

/* The counters in a block device's `stat` (Documentation/block/stat.rst); zeros where `path` is empty. */
static inline struct device_writes device_writes(const char *path) {
  struct device_writes counted = {0, 0};
  if (*path == '\0') return counted;
  FILE *stat = fopen(path, "r");
  if (stat == NULL) fail(path);
  if (fscanf(stat, "%*u %*u %*u %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u %*u %llu", &counted.sectors,
             &counted.flushes) != 2) {
    fprintf(stderr, "%s is not as expected\n", path);
    exit(1);
  }
  fclose(stat);
  return counted;
}

static inline struct device_writes device_writes_since(const char *path, struct device_writes before) {
  struct device_writes now = device_writes(path);
  now.sectors -= before.sectors;
  now.flushes -= before.flushes;
  return now;
}

#endif
