/* Writes that are on disk when they return (data-synced), now or in the thread pool. */
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* The values of Linux; elsewhere they name the same thing, done by a sync after the write. */
#ifndef RWF_DSYNC
#define RWF_DSYNC 0x2
#endif
#ifndef RWF_SYNC
#define RWF_SYNC 0x4
#endif

typedef struct {
  int fd;
  int flags;
  int64_t position;
  const uint8_t *data;
  size_t length;
  size_t written;
  int error;
} transfer;

static ssize_t write_some(const transfer *t) {
  const uint8_t *from = t->data + t->written;
  size_t length = t->length - t->written;
  off_t at = (off_t)(t->position + (int64_t)t->written);
#ifdef __linux__
  if (t->flags != 0) {
    struct iovec part = {.iov_base = (void *)(uintptr_t)from, .iov_len = length};
    return pwritev2(t->fd, &part, 1, at, t->flags);
  }
#endif
  return pwrite(t->fd, from, length, at);
}

static int sync_after(const transfer *t) {
#if defined(__linux__)
  (void)t;
  return 0;
#elif defined(F_FULLFSYNC)
  return t->flags != 0 && fcntl(t->fd, F_FULLFSYNC) == -1 ? errno : 0;
#else
  return t->flags != 0 && fsync(t->fd) != 0 ? errno : 0;
#endif
}

/* Writes all of it, or sets `error`; `written` counts what was taken until then. */
static void run(transfer *t) {
  while (t->written < t->length) {
    ssize_t done = write_some(t);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      t->error = done < 0 ? errno : EIO;
      return;
    }
    t->written += (size_t)done;
  }
  t->error = sync_after(t);
}

/* Reads (fd, buffer, offset, length, position, flags). */
static bool begin(call *c, napi_env env, napi_callback_info info, const char *function,
                  transfer *t, bytes *of) {
  int64_t offset, length, flags;
  if (!call_begin(c, env, info, function) || !arg_fd(c, 0, &t->fd) ||
      !arg_bytes(c, 1, "buffer", of) ||
      !arg_integer(c, 2, "offset", 0, MAX_SAFE_INTEGER, &offset) ||
      !arg_integer(c, 3, "length", 0, MAX_SAFE_INTEGER, &length) ||
      !arg_integer(c, 4, "position", 0, MAX_SAFE_INTEGER, &t->position) ||
      !arg_optional(c, 5, "flags", 0, INT32_MAX, 0, &flags) ||
      !check_range(c, offset, length, of->length))
    return false;
  if ((flags & ~(int64_t)(RWF_DSYNC | RWF_SYNC)) != 0) {
    throw_range(c, "flags must be 0, RWF_DSYNC or RWF_SYNC, not %lld", (long long)flags);
    return false;
  }
  t->flags = (int)flags;
  t->data = length == 0 ? NULL : of->data + offset;
  t->length = (size_t)length;
  t->written = 0;
  t->error = 0;
  return true;
}

static napi_value failure(napi_env env, const char *function, const transfer *t) {
  napi_value error = system_error(env, function, t->error, t->flags == 0 ? "pwrite" : "pwritev2");
  if (error != NULL) set_number(env, error, "written", (double)t->written);
  return error;
}

/* writeSync(fd, buffer, offset, length, position, flags = 0) -> length */
napi_value js_write_sync(napi_env env, napi_callback_info info) {
  call c;
  transfer t;
  bytes of;
  if (!begin(&c, env, info, "writeSync", &t, &of)) return NULL;
  run(&t);
  if (t.error == 0) return number(env, (double)t.written);
  napi_value error = failure(env, c.function, &t);
  if (error != NULL) napi_throw(env, error);
  return NULL;
}

typedef struct {
  transfer transfer;
  napi_async_work work;
  napi_deferred deferred;
  /* Keeps the view, and so its memory, from being collected. */
  napi_ref buffer;
  /* Keeps a map's bytes in place though it be unmapped meanwhile; NULL for other memory. */
  mapping *source;
} job;

static void execute(napi_env env, void *data) {
  (void)env;
  run(&((job *)data)->transfer);
}

static void job_free(napi_env env, job *j) {
  if (j->source != NULL) mapping_leave(j->source);
  if (j->buffer != NULL) napi_delete_reference(env, j->buffer);
  if (j->work != NULL) napi_delete_async_work(env, j->work);
  free(j);
}

/* Runs on the environment's thread; when that is ending, nothing is left to be told. */
static void complete(napi_env env, napi_status status, void *data) {
  job *j = data;
  if (status == napi_cancelled) j->transfer.error = ECANCELED;
  if (j->transfer.error == 0) {
    napi_value written = number(env, (double)j->transfer.written);
    if (written != NULL) napi_resolve_deferred(env, j->deferred, written);
  } else {
    napi_value error = failure(env, "write", &j->transfer);
    if (error != NULL) napi_reject_deferred(env, j->deferred, error);
  }
  job_free(env, j);
}

/* write(fd, buffer, offset, length, position, flags = 0) -> Promise<length> */
napi_value js_write(napi_env env, napi_callback_info info) {
  call c;
  transfer t;
  bytes of;
  napi_value promise, name;
  if (!begin(&c, env, info, "write", &t, &of)) return NULL;
  job *j = calloc(1, sizeof *j);
  if (j == NULL) return throw_system(&c, ENOMEM, "calloc");
  j->transfer = t;
  j->source = mapping_of(env, of.buffer);
  if (j->source != NULL) mapping_use(j->source);
  if (napi_create_reference(env, c.values[1], 1, &j->buffer) != napi_ok ||
      napi_create_string_utf8(env, "walrus:write", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, j, &j->work) != napi_ok ||
      napi_create_promise(env, &j->deferred, &promise) != napi_ok ||
      napi_queue_async_work(env, j->work) != napi_ok) {
    job_free(env, j);
    return throw_system(&c, ENOMEM, "napi_create_async_work");
  }
  return promise;
}
