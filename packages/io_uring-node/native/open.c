/* Opening and closing rings, and their place in the event loop. */
#ifdef __linux__
#include <errno.h>
#include <stdlib.h>

#include "ring.h"

/* probe() -> 0 if a ring can be opened here, an error number, or -1 where there is no libuv 1.x */
napi_value js_probe(napi_env env, napi_callback_info info) {
  (void)info;
  uring tried;
  if (!uv_abi_fits()) return number(env, -1);
  int error = uring_open(&tried, 1);
  if (error == 0) uring_close(&tried);
  return number(env, error);
}

static void deliver(ring *r) {
  napi_env env = r->env;
  napi_handle_scope scope;
  napi_value function, receiver, id, result;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, r->environment->deliver, &function) == napi_ok &&
      napi_get_global(env, &receiver) == napi_ok && (id = number(env, r->id)) != NULL &&
      napi_make_callback(env, r->environment->context, receiver, function, 1, &id, &result) ==
          napi_pending_exception) {
    napi_value error;
    /* A worker that is being stopped leaves nothing to report. */
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void readable(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  ring *r = uv_handle_get_data((uv_handle_t *)poll);
  ring_reap(r);
  if (r->ended_count > 0) deliver(r);
}

static void environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  ring *r = data;
  if (r->state != RING_CLOSED) ring_abort(r);
}

/* Memory for `entries` operations, all free; false without memory. */
static bool make_room(ring *r, uint32_t entries) {
  r->entries = entries;
  r->operations = calloc(entries, sizeof *r->operations);
  r->prepared = calloc(entries, sizeof *r->prepared);
  r->ended = calloc(entries, sizeof *r->ended);
  r->poll = malloc(uv_handle_size(UV_POLL));
  if (r->operations == NULL || r->prepared == NULL || r->ended == NULL || r->poll == NULL)
    return false;
  for (uint32_t k = 0; k < entries; k++)
    r->operations[k].next_free = k + 1 < entries ? k + 1 : NO_OPERATION;
  return true;
}

static void free_room(ring *r) {
  free(r->operations);
  free(r->prepared);
  free(r->ended);
  free(r->poll);
  free(r);
}

/* Watches the kernel ring in the event loop; 0, or an error number. */
static int watch(ring *r) {
  struct uv_loop_s *loop;
  if (napi_get_uv_event_loop(r->env, &loop) != napi_ok) return ENOTSUP;
  if (napi_add_async_cleanup_hook(r->env, environment_ends, r, &r->hook) != napi_ok) return ENOMEM;
  int status = uv_poll_init(loop, r->poll, r->kernel.fd);
  if (status == 0) {
    uv_handle_set_data((uv_handle_t *)r->poll, r);
    uv_unref((uv_handle_t *)r->poll);
    status = uv_poll_start(r->poll, UV_READABLE, readable);
    if (status != 0) ring_dispose(r);
    return -status;
  }
  napi_remove_async_cleanup_hook(r->hook);
  uring_close(&r->kernel);
  environment_release(r->environment);
  free_room(r);
  return -status;
}

/* open(entries) -> id of the ring, or a negative error number */
napi_value js_open(napi_env env, napi_callback_info info) {
  call c;
  int64_t entries;
  if (!call_begin(&c, env, info, "open") ||
      !arg_integer(&c, 0, "entries", 1, MAX_ENTRIES, &entries))
    return NULL;
  environment *e = c.environment;
  size_t place = 0;
  while (place < MAX_RINGS && e->rings[place] != NULL) place++;
  if (place == MAX_RINGS)
    return throw_code(&c, "ERR_TOO_MANY_RINGS", "%u rings are open on this thread", MAX_RINGS);
  if (!uv_abi_fits()) return number(env, -ENOTSUP);
  ring *r = calloc(1, sizeof *r);
  if (r == NULL) return number(env, -ENOMEM);
  int error = make_room(r, (uint32_t)entries) ? uring_open(&r->kernel, r->entries) : ENOMEM;
  if (error != 0) {
    free_room(r);
    return number(env, -error);
  }
  r->env = env;
  r->environment = e;
  r->id = (double)place + MAX_RINGS * e->opened++;
  double id = r->id;
  environment_hold(e);
  error = watch(r);
  if (error != 0) return number(env, -error);
  e->rings[place] = r;
  return number(env, id);
}

/*
 * close(ring) -> whether it is closed. If not, what is under way is being cancelled: take what ends,
 * then close again.
 */
napi_value js_close(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  napi_value result;
  if (!call_begin(&c, env, info, "close") || !arg_ring(&c, 0, true, &r)) return NULL;
  r->state = RING_CLOSING;
  ring_discard(r);
  bool idle = r->under_way == 0 && r->ended_count == 0;
  if (idle)
    ring_dispose(r);
  else
    ring_cancel(r);
  return napi_get_boolean(env, idle, &result) == napi_ok ? result : NULL;
}
#endif
