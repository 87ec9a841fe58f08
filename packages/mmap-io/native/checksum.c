/*
 * crc32(buffer, from, to, seed): the call is made per record, so what costs it is the reading of its
 * arguments. The fast way takes what is expected; anything else goes through the careful one.
 */
#include "addon.h"

/* A whole number of at most 2^53 - 1, exactly as given. */
static bool fast_index(napi_env env, napi_value value, size_t *out) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= 0 && number <= MAX_SAFE_INTEGER)) return false;
  *out = (size_t)number;
  return (double)*out == number;
}

static napi_value careful(const call *c, crc32_function *crc32) {
  bytes of;
  int64_t from, to, seed;
  if (!arg_bytes(c, 0, "buffer", &of)) return NULL;
  double length = (double)of.length;
  if (!arg_optional(c, 1, "from", 0, length, 0, &from)) return NULL;
  if (!arg_optional(c, 2, "to", (double)from, length, (int64_t)of.length, &to)) return NULL;
  if (!arg_optional(c, 3, "seed", 0, 4294967295.0, 0, &seed)) return NULL;
  if (to == from) return number(c->env, (double)seed);
  return number(c->env, crc32(&c->environment->tables, (uint32_t)seed, of.data + from,
                              (size_t)(to - from)));
}

static napi_value checksum(napi_env env, napi_callback_info info, bool by_table) {
  call c;
  if (!call_begin(&c, env, info, "crc32")) return NULL;
  crc32_function *crc32 = by_table ? crc32_by_table : c.environment->crc32;
  napi_typedarray_type type = napi_uint8_clamped_array;
  size_t length, from, to, seed;
  void *data;
  if (c.count == 4 &&
      napi_get_typedarray_info(env, c.values[0], &type, &length, &data, NULL, NULL) == napi_ok &&
      type == napi_uint8_array && fast_index(env, c.values[1], &from) &&
      fast_index(env, c.values[2], &to) && fast_index(env, c.values[3], &seed) && from < to &&
      to <= length && seed <= UINT32_MAX) {
    return number(env, crc32(&c.environment->tables, (uint32_t)seed, (uint8_t *)data + from,
                             to - from));
  }
  return careful(&c, crc32);
}

napi_value js_crc32(napi_env env, napi_callback_info info) {
  return checksum(env, info, false);
}

/* The table on every processor, so that tests reach it. */
napi_value js_crc32_table(napi_env env, napi_callback_info info) {
  return checksum(env, info, true);
}
