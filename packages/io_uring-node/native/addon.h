/*
 * What the files of the addon share: the state of one environment, the reading of arguments, errors.
 *
 * No mutable state is global. Each environment (the main thread, each worker) has an `environment`,
 * reached through the data pointer of every function. Rings and shared memory may outlive the
 * functions by a little, so they hold it too.
 */
#ifndef WALRUS_IO_URING_ADDON_H
#define WALRUS_IO_URING_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"

/* Every position and length that JavaScript can say exactly. */
#define MAX_SAFE_INTEGER 9007199254740991.0
/* What one read(2) or write(2) transfers at most. */
#define MAX_TRANSFER 0x7ffff000u
#define MAX_ARGUMENTS 6
#define MAX_RINGS 4096

_Static_assert(sizeof(size_t) == 8, "a 64-bit system is needed");

struct ring;

typedef struct {
  unsigned holders;
  /* Called with a ring's id when operations have ended; and the context of these calls. */
  napi_ref deliver;
  napi_async_context context;
  /* Open rings; a ring's id is its place here plus MAX_RINGS for each that was opened before it. */
  struct ring *rings[MAX_RINGS];
  double opened;
  block_table blocks;
} environment;

void environment_hold(environment *e);
void environment_release(environment *e);

/* One call from JavaScript. */
typedef struct {
  napi_env env;
  environment *environment;
  /* The name that messages start with. */
  const char *function;
  size_t count;
  napi_value values[MAX_ARGUMENTS];
} call;

/* The bytes of an ArrayBuffer or of a view; empty when the buffer was detached. */
typedef struct {
  uint8_t *data;
  size_t length;
} bytes;

/* Reads the arguments of a call; those not given are undefined. */
bool call_begin(call *c, napi_env env, napi_callback_info info, const char *function);

/*
 * Each reads argument `index`, whose name in messages is `name`, and returns whether it is what it
 * must be; if not, a JavaScript exception with a code is pending and the caller returns NULL.
 */
bool arg_integer(const call *c, size_t index, const char *name, double least, double most,
                 int64_t *out);
bool arg_bytes(const call *c, size_t index, const char *name, bytes *out);
/* The ring with that id, used where it may be used; `closing` says whether one that closes will do. */
bool arg_ring(const call *c, size_t index, bool closing, struct ring **out);
/* `out` has room for `most` elements; the arguments are an array of integers, or of views. */
bool arg_integers(const call *c, size_t index, const char *name, double least, uint32_t most,
                  int32_t *out, uint32_t *count);
bool arg_views(const call *c, size_t index, const char *name, uint32_t most, bytes *out,
               uint32_t *count);

/* Throw, and return NULL so that a caller can return the result. The format is that of printf. */
napi_value throw_type(const call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
napi_value throw_range(const call *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
napi_value throw_code(const call *c, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The bytes that a value shows now; false if it is no memory. Throws nothing. */
bool bytes_of(napi_env env, napi_value value, bytes *out);

napi_value undefined(napi_env env);
napi_value number(napi_env env, double value);

napi_value js_probe(napi_env env, napi_callback_info info);
napi_value js_allocate(napi_env env, napi_callback_info info);
napi_value js_where(napi_env env, napi_callback_info info);
napi_value js_open(napi_env env, napi_callback_info info);
napi_value js_close(napi_env env, napi_callback_info info);
napi_value js_transfer(napi_env env, napi_callback_info info);
napi_value js_transfer_many(napi_env env, napi_callback_info info);
napi_value js_fsync(napi_env env, napi_callback_info info);
napi_value js_submit(napi_env env, napi_callback_info info);
napi_value js_discard(napi_env env, napi_callback_info info);
napi_value js_take(napi_env env, napi_callback_info info);
napi_value js_register_files(napi_env env, napi_callback_info info);
napi_value js_update_file(napi_env env, napi_callback_info info);
napi_value js_unregister_files(napi_env env, napi_callback_info info);
napi_value js_register_buffers(napi_env env, napi_callback_info info);
napi_value js_unregister_buffers(napi_env env, napi_callback_info info);

#endif
