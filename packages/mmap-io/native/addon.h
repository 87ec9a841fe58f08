/*
 * What the files of the addon share: the state of one environment, the reading of arguments, errors.
 *
 * No mutable state is global. Each environment (the main thread, each worker) has an `environment`,
 * reached through the data pointer of every function, and freed with the environment.
 */
#ifndef WALRUS_MMAP_IO_ADDON_H
#define WALRUS_MMAP_IO_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crc32.h"

/* Every position and length that JavaScript can say exactly. */
#define MAX_SAFE_INTEGER 9007199254740991.0
#define MAX_ARGUMENTS 7

_Static_assert(sizeof(size_t) == 8 && sizeof(off_t) == 8, "a 64-bit system is needed");

typedef struct {
  crc32_tables tables;
  /* The fastest one this processor has. */
  crc32_function *crc32;
  const char *crc32_name;
  size_t page;
} environment;

/* One call from JavaScript. */
typedef struct {
  napi_env env;
  const environment *environment;
  /* The name that messages start with. */
  const char *function;
  size_t count;
  napi_value values[MAX_ARGUMENTS];
} call;

/* The bytes of an ArrayBuffer or of a view; empty when the buffer was detached. */
typedef struct {
  uint8_t *data;
  size_t length;
  napi_value buffer;
} bytes;

/* Reads the arguments of a call; those not given are undefined. */
bool call_begin(call *c, napi_env env, napi_callback_info info, const char *function);

/*
 * Each reads argument `index`, whose name in messages is `name`, and returns whether it is what it
 * must be; if not, a JavaScript exception with a code is pending and the caller returns NULL.
 */
bool arg_integer(const call *c, size_t index, const char *name, double least, double most,
                 int64_t *out);
/* The same; `otherwise` stands for undefined. */
bool arg_optional(const call *c, size_t index, const char *name, double least, double most,
                  int64_t otherwise, int64_t *out);
bool arg_fd(const call *c, size_t index, int *out);
bool arg_boolean(const call *c, size_t index, const char *name, bool *out);
bool arg_bytes(const call *c, size_t index, const char *name, bytes *out);
/* `offset` and `length` lie inside `within` bytes; an exception is pending if not. */
bool check_range(const call *c, int64_t offset, int64_t length, size_t within);

/* Throw, and return NULL so that a caller can return the result. The format is that of printf. */
napi_value throw_type(const call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
napi_value throw_range(const call *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An Error with code (`EBADF`), errno (-9) and syscall, as Node.js makes them. */
napi_value throw_system(const call *c, int error, const char *syscall);
/* The error itself, for a promise; NULL if it cannot be made. */
napi_value system_error(napi_env env, const char *function, int error, const char *syscall);
/* Sets a whole number as a property of an object; failing to is not reported. */
void set_number(napi_env env, napi_value object, const char *name, double value);

napi_value undefined(napi_env env);
napi_value number(napi_env env, double value);

/* Each file's functions, as JavaScript sees them. */
napi_value js_map(napi_env env, napi_callback_info info);
napi_value js_unmap(napi_env env, napi_callback_info info);
napi_value js_advise(napi_env env, napi_callback_info info);
napi_value js_sync(napi_env env, napi_callback_info info);
napi_value js_incore(napi_env env, napi_callback_info info);
napi_value js_allocate(napi_env env, napi_callback_info info);
napi_value js_fadvise(napi_env env, napi_callback_info info);
napi_value js_lock(napi_env env, napi_callback_info info);
napi_value js_unlock(napi_env env, napi_callback_info info);
napi_value js_write(napi_env env, napi_callback_info info);
napi_value js_write_sync(napi_env env, napi_callback_info info);
napi_value js_misalignment(napi_env env, napi_callback_info info);
napi_value js_crc32(napi_env env, napi_callback_info info);
napi_value js_crc32_table(napi_env env, napi_callback_info info);
napi_value js_crc32_each(napi_env env, napi_callback_info info);

#endif
