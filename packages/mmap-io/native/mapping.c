/* map and unmap: the life of a map. The invariant stands in mapping.h. */
#include "mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif
#ifndef MAP_NONBLOCK
#define MAP_NONBLOCK 0
#endif

/* Marks an ArrayBuffer as one of ours; no script can set it. */
static const napi_type_tag TAG = {0x77616c7275736d6dULL, 0x61702d696f2d7631ULL};

mapping *mapping_of(napi_env env, napi_value buffer) {
  bool ours = false;
  void *found = NULL;
  if (napi_check_object_type_tag(env, buffer, &TAG, &ours) != napi_ok || !ours) return NULL;
  return napi_unwrap(env, buffer, &found) == napi_ok ? found : NULL;
}

/* Lets go of the file and keeps the addresses. Failing to is harmless: the map then stays. */
static void reserve(mapping *m) {
  mmap(m->address, m->size, PROT_READ | PROT_WRITE,
       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void free_if_unneeded(mapping *m) {
  if (m->owners > 0 || m->users > 0) return;
  munmap(m->address, m->size);
  free(m);
}

void mapping_use(mapping *m) {
  m->users++;
}

void mapping_leave(mapping *m) {
  m->users--;
  if (m->users == 0 && m->retired && m->owners > 0) reserve(m);
  free_if_unneeded(m);
}

static void disown(mapping *m) {
  m->owners--;
  free_if_unneeded(m);
}

static void backing_store_freed(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  disown(hint);
}

static void object_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  disown(data);
}

/*
 * Pages wholly behind the end of a file raise SIGBUS when touched. A map that only reads gets zeros
 * there instead; they stay zeros if the file grows.
 */
static bool zeros_behind_the_end(mapping *m, int protection, int64_t inside) {
  size_t kept = (size_t)inside;
  void *at = mmap(m->address + kept, m->size - kept, protection,
                  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at != MAP_FAILED;
}

/*
 * Hands the map to JavaScript; it belongs to V8's finalizers then, also when this fails. An exception
 * that Node.js threw is kept.
 */
static napi_value as_buffer(const call *c, mapping *m) {
  napi_value result, buffer;
  m->owners = 2;
  napi_status status = napi_create_external_buffer(c->env, m->size, m->address,
                                                   backing_store_freed, m, &result);
  if (status == napi_no_external_buffers_allowed) {
    m->owners = 0;
    free_if_unneeded(m);
    return throw_system(c, ENOTSUP, "this program lets no addon bring the memory of a Buffer");
  }
  if (status != napi_ok) {
    /* Node.js calls the finalizer of a buffer that it refuses; the object was never made. */
    disown(m);
    return throw_system(c, ENOMEM, "napi_create_external_buffer");
  }
  if (napi_get_typedarray_info(c->env, result, NULL, NULL, NULL, &buffer, NULL) != napi_ok ||
      napi_wrap(c->env, buffer, m, object_collected, NULL, NULL) != napi_ok) {
    disown(m);
    return throw_system(c, ENOMEM, "napi_wrap");
  }
  if (napi_type_tag_object(c->env, buffer, &TAG) == napi_ok) return result;
  return throw_system(c, ENOMEM, "napi_type_tag_object");
}

static bool check_flags(const call *c, int flags) {
  int kind = flags & (MAP_SHARED | MAP_PRIVATE);
  int known = MAP_SHARED | MAP_PRIVATE | MAP_POPULATE | MAP_NONBLOCK | MAP_NORESERVE;
  if ((flags & ~known) == 0 && (kind == MAP_SHARED || kind == MAP_PRIVATE)) return true;
  throw_range(c, "flags must be MAP_SHARED or MAP_PRIVATE, and perhaps MAP_POPULATE, "
                 "MAP_NONBLOCK or MAP_NORESERVE, not %d", flags);
  return false;
}

/* map(size, protection, flags, fd, offset = 0) -> Buffer */
napi_value js_map(napi_env env, napi_callback_info info) {
  call c;
  int64_t size, protection, flags, offset;
  int fd;
  if (!call_begin(&c, env, info, "map")) return NULL;
  if (!arg_integer(&c, 0, "size", 1, MAX_SAFE_INTEGER, &size) ||
      !arg_integer(&c, 1, "protection", 0, PROT_READ | PROT_WRITE | PROT_EXEC, &protection) ||
      !arg_integer(&c, 2, "flags", 0, INT32_MAX, &flags) || !check_flags(&c, (int)flags) ||
      !arg_fd(&c, 3, &fd) || !arg_optional(&c, 4, "offset", 0, MAX_SAFE_INTEGER, 0, &offset))
    return NULL;
  int64_t page = (int64_t)c.environment->page;
  if (offset % page != 0)
    return throw_range(&c, "offset must be a multiple of the page size, %lld, not %lld",
                       (long long)page, (long long)offset);

  struct stat file;
  if (fstat(fd, &file) != 0) return throw_system(&c, errno, "fstat");
  /* Whole pages of the map that have bytes of the file in them. */
  int64_t inside = size;
  if (S_ISREG(file.st_mode)) {
    if (offset >= file.st_size)
      return throw_range(&c, "offset %lld must lie before the end of the file at %lld",
                         (long long)offset, (long long)file.st_size);
    int64_t pages = (file.st_size - offset + page - 1) / page * page;
    if (pages < inside) inside = pages;
    if (inside < size && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0)
      return throw_range(&c, "size %lld at offset %lld must lie inside the file of %lld bytes "
                             "when it is to be written",
                         (long long)size, (long long)offset, (long long)file.st_size);
  }

  mapping *m = calloc(1, sizeof *m);
  if (m == NULL) return throw_system(&c, ENOMEM, "calloc");
  void *address = mmap(NULL, (size_t)size, (int)protection, (int)flags, fd, (off_t)offset);
  if (address == MAP_FAILED) {
    int error = errno;
    free(m);
    return throw_system(&c, error, "mmap");
  }
  m->address = address;
  m->size = (size_t)size;
  if (inside < size && !zeros_behind_the_end(m, (int)protection, inside)) {
    int error = errno;
    free_if_unneeded(m);
    return throw_system(&c, error, "mmap");
  }
  return as_buffer(&c, m);
}

/* unmap(buffer) */
napi_value js_unmap(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  bool detached = true;
  if (!call_begin(&c, env, info, "unmap") || !arg_bytes(&c, 0, "buffer", &of)) return NULL;
  mapping *m = mapping_of(env, of.buffer);
  if (m == NULL) return throw_type(&c, "buffer must be one that map returned, or a view of it");
  if (napi_is_detached_arraybuffer(env, of.buffer, &detached) != napi_ok) return NULL;
  /* Unmapped before, or handed on by ArrayBuffer.prototype.transfer: then another one shows it. */
  if (detached) return undefined(env);
  if (napi_detach_arraybuffer(env, of.buffer) != napi_ok)
    return throw_system(&c, EBUSY, "the ArrayBuffer cannot be detached");
  m->retired = true;
  if (m->users == 0) reserve(m);
  return undefined(env);
}
