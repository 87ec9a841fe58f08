/*
 * What one writer gets from this disk with nothing in between: write a record and have it on disk, again, on a file
 * whose zeros were written and synced before, at increasing offsets. No sync covers more than one record.
 *
 * usage: sync-loop buffered|direct FILE RECORD_BYTES FILE_BYTES WARMUP_MS MEASURE_MS DEVICE_STAT
 *   buffered: pwrite, fdatasync
 *   direct:   pwritev2 with RWF_DSYNC on a descriptor with O_DIRECT
 * prints "OPERATIONS SECONDS DEVICE_SECTORS DEVICE_FLUSHES", then the microseconds of each operation, one to a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "loop.h"

enum { MOST_TIMES = 1 << 20, PAGE = 4096 };

static float times[MOST_TIMES];

static void write_buffered(int file, void *record, size_t bytes, off_t at) {
  if (pwrite(file, record, bytes, at) != (ssize_t)bytes) fail("pwrite");
  if (fdatasync(file) != 0) fail("fdatasync");
}

#if defined(O_DIRECT) && defined(RWF_DSYNC)

static int open_direct(const char *path) {
  const int file = open(path, O_RDWR | O_DIRECT);
  if (file < 0 && errno == EINVAL) exit(NOT_HERE);
  if (file < 0) fail("open with O_DIRECT");
  return file;
}

static void write_direct(int file, void *record, size_t bytes, off_t at) {
  const struct iovec piece = {record, bytes};
  if (pwritev2(file, &piece, 1, at, RWF_DSYNC) == (ssize_t)bytes) return;
  if (errno == EINVAL || errno == EOPNOTSUPP) exit(NOT_HERE);
  fail("pwritev2");
}

#else

static int open_direct(const char *path) {
  (void)path;
  exit(NOT_HERE);
}

static void write_direct(int file, void *record, size_t bytes, off_t at) {
  (void)file, (void)record, (void)bytes, (void)at;
}

#endif

int main(int count, char **argument) {
  if (count != 8) {
    fprintf(stderr, "usage: sync-loop buffered|direct FILE RECORD_BYTES FILE_BYTES WARMUP_MS MEASURE_MS DEVICE_STAT\n");
    return 2;
  }
  const int direct = strcmp(argument[1], "direct") == 0;
  const char *path = argument[2];
  const size_t record_bytes = strtoul(argument[3], NULL, 10);
  const off_t file_bytes = strtoll(argument[4], NULL, 10);
  const double warmup = strtod(argument[5], NULL) * 1e3;
  const double measure = strtod(argument[6], NULL) * 1e3;
  const char *device_stat = argument[7];

  int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0640);
  if (file < 0) fail("open");
  write_zeros(file, file_bytes);
  if (direct) file = open_direct(path);
  void (*const write_record)(int, void *, size_t, off_t) = direct ? write_direct : write_buffered;

  void *record;
  if (posix_memalign(&record, PAGE, record_bytes) != 0) fail("posix_memalign");
  memset(record, 'w', record_bytes);

  long operations = 0;
  struct device_writes device = {0, 0};
  const double opened = microseconds();
  double measured_from = 0, before = opened;
  for (off_t at = 0; at + (off_t)record_bytes <= file_bytes && operations < MOST_TIMES; at += record_bytes) {
    write_record(file, record, record_bytes, at);
    const double after = microseconds();
    if (measured_from != 0) {
      times[operations++] = (float)(after - before);
      before = after;
      if (after - measured_from >= measure) break;
    } else if (after - opened >= warmup) {
      device = device_writes(device_stat);
      measured_from = before = microseconds();
    }
  }
  if (operations == 0) {
    fprintf(stderr, "the file was full before the warm-up ended\n");
    return 1;
  }
  device = device_writes_since(device_stat, device);
  printf("%ld %.9f %llu %llu\n", operations, (before - measured_from) / 1e6, device.sectors, device.flushes);
  for (long i = 0; i < operations; i++) printf("%.1f\n", times[i]);
  return 0;
}
