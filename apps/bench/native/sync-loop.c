/*
 * What one writer gets from this disk with nothing in between: pwrite a record, fdatasync, again, on a file whose
 * zeros were written and synced before, at increasing offsets. No sync covers more than one record.
 *
 * usage: sync-loop FILE RECORD_BYTES FILE_BYTES WARMUP_MS MEASURE_MS
 * prints "OPERATIONS SECONDS", then the microseconds of each operation, one to a line.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ZEROS = 1 << 16, MOST_TIMES = 1 << 20 };

static char zeros[ZEROS];
static float times[MOST_TIMES];

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

int main(int count, char **argument) {
  if (count != 6) {
    fprintf(stderr, "usage: sync-loop FILE RECORD_BYTES FILE_BYTES WARMUP_MS MEASURE_MS\n");
    return 2;
  }
  const size_t record_bytes = strtoul(argument[2], NULL, 10);
  const off_t file_bytes = strtoll(argument[3], NULL, 10);
  const double warmup = strtod(argument[4], NULL) * 1e3;
  const double measure = strtod(argument[5], NULL) * 1e3;

  const int file = open(argument[1], O_RDWR | O_CREAT | O_TRUNC, 0640);
  if (file < 0) fail("open");
  for (off_t at = 0; at < file_bytes; at += ZEROS)
    if (pwrite(file, zeros, ZEROS, at) != ZEROS) fail("write zeros");
  if (fsync(file) != 0) fail("fsync");

  char *record = malloc(record_bytes);
  if (record == NULL) fail("malloc");
  memset(record, 'w', record_bytes);

  long operations = 0;
  off_t at = 0;
  const double opened = microseconds();
  double measured_from = 0, before = opened;
  for (;;) {
    if (at + (off_t)record_bytes > file_bytes || operations == MOST_TIMES) break;
    if (pwrite(file, record, record_bytes, at) != (ssize_t)record_bytes) fail("pwrite");
    if (fdatasync(file) != 0) fail("fdatasync");
    at += record_bytes;
    const double after = microseconds();
    if (measured_from == 0) {
      if (after - opened >= warmup) measured_from = after;
    } else {
      times[operations++] = (float)(after - before);
      if (after - measured_from >= measure) {
        before = after;
        break;
      }
    }
    before = after;
  }
  if (operations == 0) {
    fprintf(stderr, "the file was full before the warm-up ended\n");
    return 1;
  }
  printf("%ld %.9f\n", operations, (before - measured_from) / 1e6);
  for (long i = 0; i < operations; i++) printf("%.1f\n", times[i]);
  return 0;
}
