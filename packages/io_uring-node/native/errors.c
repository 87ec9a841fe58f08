/* Errors as Node.js makes them: a code to tell them apart by, a message for people. */
#ifdef __linux__
#include <stdarg.h>
#include <stdio.h>

#include "addon.h"

#define MESSAGE_BYTES 320

static void compose(char *message, const call *c, const char *format, va_list arguments) {
  int used = snprintf(message, MESSAGE_BYTES, "%s: ", c->function);
  if (used < 0 || used >= MESSAGE_BYTES) return;
  vsnprintf(message + used, (size_t)(MESSAGE_BYTES - used), format, arguments);
}

#define COMPOSE(message)                  \
  char message[MESSAGE_BYTES] = "";       \
  va_list arguments;                      \
  va_start(arguments, format);            \
  compose(message, c, format, arguments); \
  va_end(arguments)

napi_value throw_type(const call *c, const char *format, ...) {
  COMPOSE(message);
  napi_throw_type_error(c->env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value throw_range(const call *c, const char *format, ...) {
  COMPOSE(message);
  napi_throw_range_error(c->env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

napi_value throw_code(const call *c, const char *code, const char *format, ...) {
  COMPOSE(message);
  napi_throw_error(c->env, code, message);
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
#endif
