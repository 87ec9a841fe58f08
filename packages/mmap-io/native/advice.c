/* madvise, msync and mincore on a map, or on a part of one. */
#include "mapping.h"

#include <errno.h>
#include <sys/mman.h>

/* What a script may ask for: nothing that frees, poisons or punches holes. */
static bool is_known(int64_t advice) {
  switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
#ifdef MADV_HUGEPAGE
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
#endif
#ifdef __linux__
    case 22: /* MADV_POPULATE_READ, since Linux 5.14 */
    case 23: /* MADV_POPULATE_WRITE */
#endif
      return true;
    default:
      return false;
  }
}

/* The bytes of a map, or of a view of one; anything else is refused, emptied ones too. */
static bool arg_mapped(const call *c, size_t index, bytes *out) {
  if (!arg_bytes(c, index, "buffer", out)) return false;
  const mapping *m = mapping_of(c->env, out->buffer);
  if (m == NULL) {
    throw_type(c, "buffer must be one that map returned, or a view of it");
    return false;
  }
  if (out->length > 0) return true;
  throw_system(c, EINVAL, m->retired ? "buffer is unmapped" : "buffer is empty");
  return false;
}

/* The range in `offset` and `length`; the system works in pages, so it must begin with one. */
static bool page_range(const call *c, const bytes *of, int64_t offset, int64_t length) {
  size_t page = c->environment->page;
  if (!check_range(c, offset, length, of->length)) return false;
  if (((uintptr_t)of->data + (uint64_t)offset) % page == 0) return true;
  throw_range(c, "offset must lead to a multiple of the page size, %zu, in the map", page);
  return false;
}

/* advise(buffer, offset, length, advice); length 0: up to the end */
napi_value js_advise(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  int64_t offset, length, advice;
  if (!call_begin(&c, env, info, "advise") || !arg_mapped(&c, 0, &of) ||
      !arg_integer(&c, 1, "offset", 0, (double)of.length, &offset) ||
      !arg_integer(&c, 2, "length", 0, (double)of.length, &length) ||
      !arg_integer(&c, 3, "advise", 0, INT32_MAX, &advice))
    return NULL;
  if (!is_known(advice))
    return throw_range(&c, "advise must be one of the MADV_ constants, not %lld",
                       (long long)advice);
  if (length == 0) length = (int64_t)of.length - offset;
  if (!page_range(&c, &of, offset, length)) return NULL;
  if (madvise(of.data + offset, (size_t)length, (int)advice) != 0)
    return throw_system(&c, errno, "madvise");
  return undefined(env);
}

/* sync(buffer, offset, length, blocking, invalidate); length 0: up to the end */
napi_value js_sync(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  int64_t offset, length;
  bool blocking, invalidate;
  if (!call_begin(&c, env, info, "sync") || !arg_mapped(&c, 0, &of) ||
      !arg_integer(&c, 1, "offset", 0, (double)of.length, &offset) ||
      !arg_integer(&c, 2, "length", 0, (double)of.length, &length) ||
      !arg_boolean(&c, 3, "blocking", &blocking) ||
      !arg_boolean(&c, 4, "invalidate", &invalidate))
    return NULL;
  if (length == 0) length = (int64_t)of.length - offset;
  if (!page_range(&c, &of, offset, length)) return NULL;
  int flags = (blocking ? MS_SYNC : MS_ASYNC) | (invalidate ? MS_INVALIDATE : 0);
  if (msync(of.data + offset, (size_t)length, flags) != 0) return throw_system(&c, errno, "msync");
  return undefined(env);
}

#define PAGES_AT_A_TIME 4096

/* incore(buffer) -> [pages not in memory, pages in memory]; pages that it covers in part count */
napi_value js_incore(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
#ifdef __APPLE__
  char residence[PAGES_AT_A_TIME];
#else
  unsigned char residence[PAGES_AT_A_TIME];
#endif
  if (!call_begin(&c, env, info, "incore") || !arg_mapped(&c, 0, &of)) return NULL;
  size_t page = c.environment->page;
  size_t before = (uintptr_t)of.data % page;
  uint8_t *at = of.data - before;
  size_t pages = (before + of.length + page - 1) / page;
  size_t resident = 0;
  for (size_t done = 0; done < pages;) {
    size_t count = pages - done < PAGES_AT_A_TIME ? pages - done : PAGES_AT_A_TIME;
    if (mincore(at + done * page, count * page, residence) != 0)
      return throw_system(&c, errno, "mincore");
    for (size_t i = 0; i < count; i++) resident += (size_t)(residence[i] & 1);
    done += count;
  }
  napi_value result, absent = number(env, (double)(pages - resident)),
                     present = number(env, (double)resident);
  if (absent == NULL || present == NULL ||
      napi_create_array_with_length(env, 2, &result) != napi_ok ||
      napi_set_element(env, result, 0, absent) != napi_ok ||
      napi_set_element(env, result, 1, present) != napi_ok)
    return NULL;
  return result;
}
