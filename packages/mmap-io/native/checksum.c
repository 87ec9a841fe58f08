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

/* The elements of a typed array of 32-bit integers of one kind. */
static bool arg_words(const call *c, size_t index, const char *name, napi_typedarray_type wanted,
                      void **data, size_t *length) {
  napi_typedarray_type type = napi_uint8_clamped_array;
  bool is;
  if (napi_is_typedarray(c->env, c->values[index], &is) == napi_ok && is &&
      napi_get_typedarray_info(c->env, c->values[index], &type, length, data, NULL, NULL) ==
          napi_ok &&
      type == wanted) {
    if (*data == NULL) *length = 0;
    return true;
  }
  throw_type(c, "%s must be an %s", name, wanted == napi_uint32_array ? "Uint32Array" : "Int32Array");
  return false;
}

/* Whether the piece from `at` to `end` lies inside the buffer; an exception is pending if not. */
static bool check_piece(const call *c, int64_t piece, size_t at, size_t end, size_t within) {
  if (end >= at && end <= within) return true;
  throw_range(c, "ends[%lld] is %zu, and its piece begins at %zu of %zu bytes", (long long)piece, end,
              at, within);
  return false;
}

/*
 * crc32Each(buffer, from, ends, count, skip, register, into): the raw register (that is, without the
 * inversions before and after) behind each of `count` pieces, each of which begins with `register`.
 * Nothing is stored unless all of the pieces lie inside the buffer. They are looked at again as they
 * are used: `into` may lie over `ends`, and another thread may share it.
 */
napi_value js_crc32_each(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  int64_t from, count, skip, start;
  void *ends_data = NULL, *into_data = NULL;
  size_t ends_length = 0, into_length = 0;
  if (!call_begin(&c, env, info, "crc32Each")) return NULL;
  if (!arg_bytes(&c, 0, "buffer", &of)) return NULL;
  if (!arg_integer(&c, 1, "from", 0, (double)of.length, &from)) return NULL;
  if (!arg_words(&c, 2, "ends", napi_uint32_array, &ends_data, &ends_length)) return NULL;
  if (!arg_words(&c, 6, "into", napi_int32_array, &into_data, &into_length)) return NULL;
  size_t most = ends_length < into_length ? ends_length : into_length;
  if (!arg_integer(&c, 3, "count", 0, (double)most, &count)) return NULL;
  if (!arg_integer(&c, 4, "skip", 0, (double)UINT32_MAX, &skip)) return NULL;
  if (!arg_integer(&c, 5, "register", (double)INT32_MIN, (double)UINT32_MAX, &start)) return NULL;
  const volatile uint32_t *ends = ends_data;
  int32_t *into = into_data;
  size_t at = (size_t)from;
  for (int64_t piece = 0; piece < count; piece++) {
    size_t end = ends[piece];
    if (!check_piece(&c, piece, at, end, of.length)) return NULL;
    at = end + (size_t)skip;
  }
  const environment *e = c.environment;
  uint32_t crc = ~(uint32_t)start;
  at = (size_t)from;
  for (int64_t piece = 0; piece < count; piece++) {
    size_t end = ends[piece];
    if (!check_piece(&c, piece, at, end, of.length)) return NULL;
    into[piece] = (int32_t)~e->crc32(&e->tables, crc, of.data + at, end - at);
    at = end + (size_t)skip;
  }
  return undefined(env);
}
