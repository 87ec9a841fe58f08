/* Errors as Node.js makes them: a code to tell them apart by, a message for people. */
#include "addon.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 320

/* The name of an error number; the calls made here return few others. */
static const char *name_of(int error) {
#define NAME(code) \
  case code:       \
    return #code;
  switch (error) {
    NAME(EACCES)
    NAME(EAGAIN)
    NAME(EBADF)
    NAME(EBUSY)
    NAME(ECANCELED)
    NAME(EDEADLK)
    NAME(EDQUOT)
    NAME(EEXIST)
    NAME(EFAULT)
    NAME(EFBIG)
    NAME(EINTR)
    NAME(EINVAL)
    NAME(EIO)
    NAME(EISDIR)
    NAME(EMFILE)
    NAME(ENFILE)
    NAME(ENODEV)
    NAME(ENOLCK)
    NAME(ENOMEM)
    NAME(ENOSPC)
    NAME(ENOSYS)
    NAME(ENOTCONN)
    NAME(ENXIO)
    NAME(ENOTSUP)
    NAME(EOVERFLOW)
    NAME(EPERM)
    NAME(EPIPE)
    NAME(EROFS)
    NAME(ESPIPE)
    NAME(ESTALE)
    NAME(ETXTBSY)
    default:
      return "EUNKNOWN";
  }
#undef NAME
}

static void compose(char *message, const call *c, const char *format, va_list arguments) {
  int used = snprintf(message, MESSAGE_BYTES, "%s: ", c->function);
  if (used < 0 || used >= MESSAGE_BYTES) return;
  vsnprintf(message + used, (size_t)(MESSAGE_BYTES - used), format, arguments);
}

napi_value throw_type(const call *c, const char *format, ...) {
  char message[MESSAGE_BYTES] = "";
  va_list arguments;
  va_start(arguments, format);
  compose(message, c, format, arguments);
  va_end(arguments);
  napi_throw_type_error(c->env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value throw_range(const call *c, const char *format, ...) {
  char message[MESSAGE_BYTES] = "";
  va_list arguments;
  va_start(arguments, format);
  compose(message, c, format, arguments);
  va_end(arguments);
  napi_throw_range_error(c->env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_value property = number(env, value);
  if (property != NULL) napi_set_named_property(env, object, name, property);
}

napi_value system_error(napi_env env, const char *function, int error, const char *syscall) {
  char text[128] = "";
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
  const char *reason = strerror_r(error, text, sizeof text);
#else
  strerror_r(error, text, sizeof text);
  const char *reason = text;
#endif
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof message, "%s: %s: %s, %s", function, name_of(error), reason, syscall);
  napi_value code, value, result, call_name;
  if (napi_create_string_utf8(env, name_of(error), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &value) != napi_ok ||
      napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &call_name) != napi_ok ||
      napi_create_error(env, code, value, &result) != napi_ok)
    return NULL;
  set_number(env, result, "errno", -error);
  napi_set_named_property(env, result, "syscall", call_name);
  return result;
}

napi_value throw_system(const call *c, int error, const char *syscall) {
  napi_value result = system_error(c->env, c->function, error, syscall);
  if (result != NULL) napi_throw(c->env, result);
  return NULL;
}

napi_value undefined(napi_env env) {
  napi_value result;
  return napi_get_undefined(env, &result) == napi_ok ? result : NULL;
}

napi_value number(napi_env env, double value) {
  napi_value result;
  return napi_create_double(env, value, &result) == napi_ok ? result : NULL;
}
