/* The operations of a ring. States and invariants stand in ring.h. */
#ifdef __linux__
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands in an entry that is none of JavaScript's operations. */
#define DATA_CANCEL UINT64_MAX
#define DATA_PAUSE (UINT64_MAX - 1)

/*
 * What cannot be cancelled when asked (an entry of a chain whose turn has not come, a write the
 * device has) is asked again after this time.
 */
#define PAUSE_NS 5000000

void ring_update_reference(ring *r) {
  if (r->under_way + r->ended_count > 0)
    uv_ref((uv_handle_t *)r->poll);
  else
    uv_unref((uv_handle_t *)r->poll);
}

operation *ring_prepare(const call *c, ring *r, struct io_uring_sqe **sqe) {
  uint32_t k = r->first_free;
  if (k == NO_OPERATION || (*sqe = uring_next(&r->kernel)) == NULL) {
    throw_code(c, "ERR_RING_FULL", "all %u operations of the ring are in use", r->entries);
    return NULL;
  }
  operation *o = &r->operations[k];
  r->first_free = o->next_free;
  r->prepared[r->prepared_count++] = k;
  (*sqe)->user_data = k;
  return o;
}

/* Lets go of the memory that the kernel might have touched. */
static void let_go(operation *o) {
  if (o->one != NULL) block_release(o->one);
  for (uint32_t i = 0; i < o->block_count; i++) block_release(o->blocks[i]);
  free(o->blocks);
  free(o->vector);
  free(o->copy);
  o->one = NULL;
  o->blocks = NULL;
  o->block_count = 0;
  o->vector = NULL;
  o->copy = NULL;
}

static void set_free(ring *r, uint32_t k) {
  operation *o = &r->operations[k];
  if (o->target != NULL) napi_delete_reference(r->env, o->target);
  let_go(o);
  o->target = NULL;
  o->waited_for = false;
  o->next_free = r->first_free;
  r->first_free = k;
}

void ring_discard(ring *r) {
  uring_rewind(&r->kernel);
  while (r->prepared_count > 0) set_free(r, r->prepared[--r->prepared_count]);
}

static void end(ring *r, uint32_t k, int32_t result) {
  operation *o = &r->operations[k];
  if (o->waited_for) r->waited_for--;
  /* So ends an operation that a thread of the kernel had begun when it was cancelled. */
  if (result == -EINTR && r->state != RING_OPEN) result = -ECANCELED;
  uint32_t at = (r->ended_first + r->ended_count) % r->entries;
  r->ended[at] = (completion){k, result};
  r->ended_count++;
}

void ring_submit(ring *r, uint32_t wait) {
  int error;
  uint32_t count = r->prepared_count;
  uint32_t taken = uring_submit(&r->kernel, wait, &error);
  r->prepared_count = 0;
  r->under_way += taken;
  for (uint32_t i = 0; i < count; i++) {
    operation *o = &r->operations[r->prepared[i]];
    /* The kernel has copied it. */
    free(o->vector);
    o->vector = NULL;
    if (i >= taken) end(r, r->prepared[i], -error);
  }
}

void ring_submit_and_wait(ring *r) {
  for (uint32_t i = 0; i < r->prepared_count; i++) {
    r->operations[r->prepared[i]].waited_for = true;
    r->waited_for++;
  }
  ring_submit(r, r->prepared_count);
  ring_reap(r);
  while (r->waited_for > 0) {
    uring_wait(&r->kernel, 0);
    ring_reap(r);
  }
}

/* There is room in both rings: nothing is prepared, and what is under way left a completion free. */
static void ask(ring *r, void (*fill)(struct io_uring_sqe *sqe)) {
  int error;
  struct io_uring_sqe *sqe = uring_next(&r->kernel);
  if (sqe == NULL) return;
  fill(sqe);
  r->cancelling = uring_submit(&r->kernel, 0, &error) == 1;
}

static void fill_cancel(struct io_uring_sqe *sqe) {
  sqe->opcode = IORING_OP_ASYNC_CANCEL;
  sqe->cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
  sqe->user_data = DATA_CANCEL;
}

static void fill_pause(struct io_uring_sqe *sqe) {
  static const struct __kernel_timespec PAUSE = {0, PAUSE_NS};
  sqe->opcode = IORING_OP_TIMEOUT;
  sqe->addr = (uint64_t)(uintptr_t)&PAUSE;
  sqe->len = 1;
  sqe->user_data = DATA_PAUSE;
}

void ring_cancel(ring *r) {
  if (r->under_way > 0 && !r->cancelling) ask(r, fill_cancel);
}

void ring_reap(ring *r) {
  uint64_t data;
  int32_t result;
  bool asked = false;
  bool paused = false;
  while (uring_pop(&r->kernel, &data, &result)) {
    if (data == DATA_CANCEL) {
      asked = true;
    } else if (data == DATA_PAUSE) {
      paused = true;
    } else {
      r->under_way--;
      end(r, (uint32_t)data, result);
    }
  }
  if (asked || paused) r->cancelling = false;
  if (r->under_way == 0) return;
  if (asked) ask(r, fill_pause);
  if (paused) ask(r, fill_cancel);
}

/* Hands what was read to the caller's memory, wherever that is by now. */
static int32_t deliver_read(ring *r, const operation *o, int32_t result) {
  napi_value value;
  bytes to;
  if (result <= 0) return result;
  if (napi_get_reference_value(r->env, o->target, &value) != napi_ok || value == NULL ||
      !bytes_of(r->env, value, &to) || to.length < (size_t)result)
    return RESULT_DETACHED;
  memcpy(to.data, o->copy, (size_t)result);
  return result;
}

bool ring_take(ring *r, completion *out) {
  if (r->ended_count == 0) return false;
  *out = r->ended[r->ended_first];
  r->ended_first = (r->ended_first + 1) % r->entries;
  r->ended_count--;
  operation *o = &r->operations[out->operation];
  if (o->target != NULL) out->result = deliver_read(r, o, out->result);
  set_free(r, out->operation);
  return true;
}

static void closed(uv_handle_t *handle) {
  ring *r = uv_handle_get_data(handle);
  napi_remove_async_cleanup_hook(r->hook);
  environment_release(r->environment);
  free(r->operations);
  free(r->prepared);
  free(r->ended);
  free(r->poll);
  free(r);
}

void ring_dispose(ring *r) {
  for (uint32_t k = 0; k < r->entries; k++) {
    operation *o = &r->operations[k];
    if (o->target != NULL) napi_delete_reference(r->env, o->target);
    o->target = NULL;
    let_go(o);
  }
  for (uint32_t i = 0; i < r->region_count; i++) block_release(r->region_blocks[i]);
  r->state = RING_CLOSED;
  r->environment->rings[(size_t)r->id % MAX_RINGS] = NULL;
  uv_poll_stop(r->poll);
  uring_close(&r->kernel);
  uv_close((uv_handle_t *)r->poll, closed);
}

void ring_abort(ring *r) {
  ring_discard(r);
  while (r->under_way > 0) {
    ring_cancel(r);
    uring_wait(&r->kernel, PAUSE_NS);
    ring_reap(r);
  }
  ring_dispose(r);
}
#endif
