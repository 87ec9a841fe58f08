/* Reading arguments, none of which is believed before it was checked. */
#include "addon.h"

#include <math.h>
#include <string.h>

bool call_begin(call *c, napi_env env, napi_callback_info info, const char *function) {
  void *data = NULL;
  c->env = env;
  c->function = function;
  c->count = MAX_ARGUMENTS;
  if (napi_get_cb_info(env, info, &c->count, c->values, NULL, &data) != napi_ok) return false;
  c->environment = data;
  return true;
}

static bool is_undefined(const call *c, size_t index) {
  napi_valuetype type;
  return napi_typeof(c->env, c->values[index], &type) == napi_ok && type == napi_undefined;
}

bool arg_integer(const call *c, size_t index, const char *name, double least, double most,
                 int64_t *out) {
  double value;
  if (napi_get_value_double(c->env, c->values[index], &value) != napi_ok) {
    throw_type(c, "%s must be a number", name);
    return false;
  }
  /* NaN fails every comparison. */
  if (!(value >= least && value <= most) || floor(value) != value) {
    throw_range(c, "%s must be an integer from %.0f to %.0f, not %.17g", name, least, most, value);
    return false;
  }
  *out = (int64_t)value;
  return true;
}

bool arg_optional(const call *c, size_t index, const char *name, double least, double most,
                  int64_t otherwise, int64_t *out) {
  if (is_undefined(c, index)) {
    *out = otherwise;
    return true;
  }
  return arg_integer(c, index, name, least, most, out);
}

bool arg_fd(const call *c, size_t index, int *out) {
  int64_t value;
  if (!arg_integer(c, index, "fd", 0, INT32_MAX, &value)) return false;
  *out = (int)value;
  return true;
}

bool arg_boolean(const call *c, size_t index, const char *name, bool *out) {
  if (napi_get_value_bool(c->env, c->values[index], out) == napi_ok) return true;
  throw_type(c, "%s must be true or false", name);
  return false;
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

bool arg_bytes(const call *c, size_t index, const char *name, bytes *out) {
  napi_value value = c->values[index];
  void *data = NULL;
  size_t length = 0;
  size_t size = 1;
  bool is;
  if (napi_is_typedarray(c->env, value, &is) == napi_ok && is) {
    /* A type newer than this code may leave `type` as it was. */
    napi_typedarray_type type;
    memset(&type, 0xff, sizeof type);
    if (napi_get_typedarray_info(c->env, value, &type, &length, &data, &out->buffer, NULL) ==
        napi_ok)
      size = element_size(type);
    else
      size = 0;
  } else if (napi_is_dataview(c->env, value, &is) == napi_ok && is) {
    if (napi_get_dataview_info(c->env, value, &length, &data, &out->buffer, NULL) != napi_ok)
      size = 0;
  } else if (napi_is_arraybuffer(c->env, value, &is) == napi_ok && is) {
    if (napi_get_arraybuffer_info(c->env, value, &data, &length) != napi_ok) size = 0;
    out->buffer = value;
  } else {
    size = 0;
  }
  if (size == 0) {
    throw_type(c, "%s must be a Buffer, another typed array, a DataView or an ArrayBuffer", name);
    return false;
  }
  bool detached = false;
  napi_is_detached_arraybuffer(c->env, out->buffer, &detached);
  out->length = detached || data == NULL ? 0 : length * size;
  out->data = data;
  return true;
}

bool check_range(const call *c, int64_t offset, int64_t length, size_t within) {
  if ((uint64_t)offset <= within && (uint64_t)length <= within - (uint64_t)offset) return true;
  throw_range(c, "offset %lld and length %lld must lie inside the buffer of %zu bytes",
              (long long)offset, (long long)length, within);
  return false;
}
