/*
 * What this disk takes of a new file that is written from front to back through the page cache and synced once.
 *
 * usage: sequential-write FILE BYTES DEVICE_STAT
 * prints "WRITES SECONDS DEVICE_SECTORS DEVICE_FLUSHES", then the microseconds of each write of 1 MiB, one to a line.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "loop.h"

enum { BLOCK = 1 << 20, MOST_TIMES = 1 << 20 };

static char block[BLOCK];
static float times[MOST_TIMES];

int main(int count, char **argument) {
  if (count != 4) {
    fprintf(stderr, "usage: sequential-write FILE BYTES DEVICE_STAT\n");
    return 2;
  }
  const off_t bytes = strtoll(argument[2], NULL, 10);
  const char *device_stat = argument[3];
  if (bytes <= 0 || bytes % BLOCK != 0 || bytes / BLOCK > MOST_TIMES) {
    fprintf(stderr, "%s is not 1 to %d times 1 MiB\n", argument[2], MOST_TIMES);
    return 2;
  }
  memset(block, 'w', BLOCK);
  const int file = open(argument[1], O_WRONLY | O_CREAT | O_EXCL, 0640);
  if (file < 0) fail("open");

  const struct device_writes device = device_writes(device_stat);
  const double begun = microseconds();
  long writes = 0;
  for (double before = begun; writes < bytes / BLOCK; writes++) {
    if (write(file, block, BLOCK) != BLOCK) fail("write");
    const double after = microseconds();
    times[writes] = (float)(after - before);
    before = after;
  }
  if (fsync(file) != 0) fail("fsync");
  const double seconds = (microseconds() - begun) / 1e6;
  const struct device_writes written = device_writes_since(device_stat, device);
  printf("%ld %.9f %llu %llu\n", writes, seconds, written.sectors, written.flushes);
  for (long i = 0; i < writes; i++) printf("%.1f\n", times[i]);
  return 0;
}
