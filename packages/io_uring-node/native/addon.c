/* What JavaScript sees, and the state of one environment. */
#ifdef __linux__
#include "addon.h"

#include <stdlib.h>
#include <unistd.h>

void environment_hold(environment *e) {
  e->holders++;
}

void environment_release(environment *e) {
  if (--e->holders > 0) return;
  free(e->blocks.sorted);
  free(e);
}

typedef struct {
  environment *environment;
  block *block;
} shared;

static void let_go(shared *s) {
  block_table_remove(&s->environment->blocks, s->block);
  block_release(s->block);
  environment_release(s->environment);
  free(s);
}

static void collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  let_go(hint);
}

/* allocate(size) -> ArrayBuffer of zeros that starts at a page */
napi_value js_allocate(napi_env env, napi_callback_info info) {
  call c;
  int64_t size;
  napi_value result;
  if (!call_begin(&c, env, info, "allocate") ||
      !arg_integer(&c, 0, "bytes", 1, MAX_TRANSFER, &size))
    return NULL;
  shared *s = malloc(sizeof *s);
  block *b = s == NULL ? NULL : block_create((size_t)size);
  if (b == NULL || !block_table_add(&c.environment->blocks, b)) {
    if (b != NULL) block_release(b);
    free(s);
    return throw_code(&c, "ENOMEM", "no memory for %lld bytes", (long long)size);
  }
  s->environment = c.environment;
  s->block = b;
  environment_hold(c.environment);
  napi_status status =
      napi_create_external_arraybuffer(env, b->address, b->size, collected, s, &result);
  if (status == napi_ok) return result;
  /* Otherwise Node.js has called the finalizer, or will. */
  if (status == napi_no_external_buffers_allowed) let_go(s);
  return throw_code(&c, "ERR_NO_SHARED_MEMORY", "this program lets no addon bring memory");
}

/* where(view) -> [address, length] of its bytes */
napi_value js_where(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  napi_value result, address, length;
  if (!call_begin(&c, env, info, "where") || !arg_bytes(&c, 0, "buffer", &of)) return NULL;
  address = number(env, (double)(uintptr_t)of.data);
  length = number(env, (double)of.length);
  if (address == NULL || length == NULL ||
      napi_create_array_with_length(env, 2, &result) != napi_ok ||
      napi_set_element(env, result, 0, address) != napi_ok ||
      napi_set_element(env, result, 1, length) != napi_ok)
    return NULL;
  return result;
}

/* start(deliver): the function called with a ring's id when operations have ended */
static napi_value js_start(napi_env env, napi_callback_info info) {
  call c;
  napi_valuetype type;
  napi_value name;
  if (!call_begin(&c, env, info, "start")) return NULL;
  if (napi_typeof(env, c.values[0], &type) != napi_ok || type != napi_function)
    return throw_type(&c, "deliver must be a function");
  if (c.environment->deliver != NULL)
    return throw_code(&c, "ERR_ALREADY_STARTED", "the function was given before");
  if (napi_create_string_utf8(env, "io_uring", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &c.environment->context) != napi_ok ||
      napi_create_reference(env, c.values[0], 1, &c.environment->deliver) != napi_ok)
    return throw_code(&c, "ENOMEM", "no memory for a reference");
  return undefined(env);
}

static void environment_ended(napi_env env, void *data, void *hint) {
  (void)hint;
  environment *e = data;
  if (e->deliver != NULL) napi_delete_reference(env, e->deliver);
  environment_release(e);
}

typedef struct {
  const char *name;
  napi_callback function;
} export;

static const export EXPORTS[] = {
    {"start", js_start},
    {"probe", js_probe},
    {"allocate", js_allocate},
    {"where", js_where},
    {"open", js_open},
    {"close", js_close},
    {"transfer", js_transfer},
    {"transferMany", js_transfer_many},
    {"fsync", js_fsync},
    {"submit", js_submit},
    {"discard", js_discard},
    {"take", js_take},
    {"registerFiles", js_register_files},
    {"updateFile", js_update_file},
    {"unregisterFiles", js_unregister_files},
    {"registerBuffers", js_register_buffers},
    {"unregisterBuffers", js_unregister_buffers},
};

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  environment *e = calloc(1, sizeof *e);
  if (e == NULL || napi_set_instance_data(env, e, environment_ended, NULL) != napi_ok) {
    free(e);
    napi_throw_error(env, "ENOMEM", "no memory for the state of @walrus/io_uring-node");
    return NULL;
  }
  e->holders = 1;
  for (size_t i = 0; i < sizeof EXPORTS / sizeof EXPORTS[0]; i++) {
    napi_value function;
    if (napi_create_function(env, EXPORTS[i].name, NAPI_AUTO_LENGTH, EXPORTS[i].function, e,
                             &function) != napi_ok ||
        napi_set_named_property(env, exports, EXPORTS[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
#endif
