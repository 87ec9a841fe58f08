/* Reading arguments, none of which is believed before it was checked. */
#ifdef __linux__
#include <math.h>
#include <string.h>

#include "ring.h"

bool call_begin(call *c, napi_env env, napi_callback_info info, const char *function) {
  void *data = NULL;
  c->env = env;
  c->function = function;
  c->count = MAX_ARGUMENTS;
  if (napi_get_cb_info(env, info, &c->count, c->values, NULL, &data) != napi_ok) return false;
  c->environment = data;
  return true;
}

static bool read_integer(const call *c, napi_value value, const char *name, double least,
                         double most, int64_t *out) {
  double read;
  if (napi_get_value_double(c->env, value, &read) != napi_ok) {
    throw_type(c, "%s must be a number", name);
    return false;
  }
  /* NaN fails every comparison. */
  if (!(read >= least && read <= most) || floor(read) != read) {
    throw_range(c, "%s must be an integer from %.0f to %.0f, not %.17g", name, least, most, read);
    return false;
  }
  *out = (int64_t)read;
  return true;
}

bool arg_integer(const call *c, size_t index, const char *name, double least, double most,
                 int64_t *out) {
  return read_integer(c, c->values[index], name, least, most, out);
}

/* Bytes of one element; 0 for a type this was not written for. */
static size_t element_size(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}

bool bytes_of(napi_env env, napi_value value, bytes *out) {
  void *data = NULL;
  size_t length = 0;
  size_t size = 1;
  bool is;
  if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
    /* A type newer than this code may leave `type` as it was. */
    napi_typedarray_type type;
    memset(&type, 0xff, sizeof type);
    if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok)
      return false;
    size = element_size(type);
  } else if (napi_is_dataview(env, value, &is) == napi_ok && is) {
    if (napi_get_dataview_info(env, value, &length, &data, NULL, NULL) != napi_ok) return false;
  } else if (napi_is_arraybuffer(env, value, &is) == napi_ok && is) {
    if (napi_get_arraybuffer_info(env, value, &data, &length) != napi_ok) return false;
  } else {
    return false;
  }
  if (size == 0) return false;
  out->data = data;
  out->length = data == NULL ? 0 : length * size;
  return true;
}

static bool read_bytes(const call *c, napi_value value, const char *name, bytes *out) {
  if (!bytes_of(c->env, value, out)) {
    throw_type(c, "%s must be a Buffer, another typed array, a DataView or an ArrayBuffer", name);
    return false;
  }
  if (out->length <= MAX_TRANSFER) return true;
  throw_range(c, "%s must have at most %u bytes, not %zu", name, MAX_TRANSFER, out->length);
  return false;
}

bool arg_bytes(const call *c, size_t index, const char *name, bytes *out) {
  return read_bytes(c, c->values[index], name, out);
}

bool arg_ring(const call *c, size_t index, bool closing, ring **out) {
  int64_t id;
  if (!arg_integer(c, index, "ring", 0, MAX_SAFE_INTEGER, &id)) return false;
  ring *r = c->environment->rings[id % MAX_RINGS];
  if (r == NULL || r->id != (double)id || (r->state != RING_OPEN && !closing)) {
    throw_code(c, "ERR_RING_CLOSED", "the ring is closed");
    return false;
  }
  uring_use use = uring_usable(&r->kernel);
  if (use != URING_USABLE) {
    throw_code(c, "ERR_RING_FOREIGN", "the ring was opened by another %s",
               use == URING_FORKED ? "process" : "thread");
    return false;
  }
  *out = r;
  return true;
}

/* The length of an array argument, at most `most`. */
static bool array_length(const call *c, size_t index, const char *name, uint32_t most,
                         uint32_t *count) {
  bool is = false;
  if (napi_is_array(c->env, c->values[index], &is) != napi_ok || !is ||
      napi_get_array_length(c->env, c->values[index], count) != napi_ok) {
    throw_type(c, "%s must be an array", name);
    return false;
  }
  if (*count > 0 && *count <= most) return true;
  throw_range(c, "%s must have 1 to %u elements, not %u", name, most, *count);
  return false;
}

bool arg_integers(const call *c, size_t index, const char *name, double least, uint32_t most,
                  int32_t *out, uint32_t *count) {
  if (!array_length(c, index, name, most, count)) return false;
  for (uint32_t i = 0; i < *count; i++) {
    napi_value element;
    int64_t value;
    if (napi_get_element(c->env, c->values[index], i, &element) != napi_ok ||
        !read_integer(c, element, name, least, INT32_MAX, &value))
      return false;
    out[i] = (int32_t)value;
  }
  return true;
}

bool arg_views(const call *c, size_t index, const char *name, uint32_t most, bytes *out,
               uint32_t *count) {
  if (!array_length(c, index, name, most, count)) return false;
  size_t total = 0;
  for (uint32_t i = 0; i < *count; i++) {
    napi_value element;
    if (napi_get_element(c->env, c->values[index], i, &element) != napi_ok ||
        !read_bytes(c, element, name, &out[i]))
      return false;
    total += out[i].length;
  }
  if (total <= MAX_TRANSFER) return true;
  throw_range(c, "%s must have at most %u bytes together, not %zu", name, MAX_TRANSFER, total);
  return false;
}
#endif
