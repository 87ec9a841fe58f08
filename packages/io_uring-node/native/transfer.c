/* Operations: from JavaScript's arguments to entries of the ring, and their results back. */
#ifdef __linux__
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

/* What JavaScript asks for; the same numbers stand in src/binding.ts. */
#define FLAG_WRITE 1
#define FLAG_DSYNC 2
#define FLAG_LINK 4
#define FLAG_REGISTERED_FILE 8
#define FLAG_SUBMIT 16
#define FLAG_WAIT 32
#define FLAG_DATA_ONLY 64
#define ALL_FLAGS 127

/* Copies can then be used on descriptors that bypass the page cache. */
#define COPY_ALIGNMENT 4096
#define MAX_VIEWS 1024

typedef struct {
  ring *ring;
  int64_t flags;
  int64_t fd;
} target;

/* (ring, flags, fd, ...) of a call, checked. */
static bool read_target(const call *c, target *t) {
  if (!arg_ring(c, 0, false, &t->ring) || !arg_integer(c, 1, "flags", 0, ALL_FLAGS, &t->flags))
    return false;
  if ((t->flags & FLAG_REGISTERED_FILE) == 0)
    return arg_integer(c, 2, "fd", 0, INT32_MAX, &t->fd);
  if (t->ring->file_count == 0) {
    throw_range(c, "the ring has no registered files");
    return false;
  }
  return arg_integer(c, 2, "index of the registered file", 0, t->ring->file_count - 1, &t->fd);
}

static void fill(struct io_uring_sqe *sqe, const target *t, uint8_t opcode) {
  sqe->opcode = opcode;
  sqe->fd = (int32_t)t->fd;
  if ((t->flags & FLAG_LINK) != 0) sqe->flags |= IOSQE_IO_LINK;
  if ((t->flags & FLAG_REGISTERED_FILE) != 0) sqe->flags |= IOSQE_FIXED_FILE;
}

static void fill_transfer(struct io_uring_sqe *sqe, const target *t, uint8_t opcode,
                          const void *address, size_t length, int64_t position) {
  fill(sqe, t, opcode);
  sqe->addr = (uint64_t)(uintptr_t)address;
  sqe->len = (uint32_t)length;
  sqe->off = (uint64_t)position;
  if ((t->flags & FLAG_DSYNC) != 0) sqe->rw_flags = RWF_DSYNC;
}

/* The registered region that all of these bytes lie in, or -1. */
static int region_of(const ring *r, const uint8_t *data, size_t length) {
  for (uint32_t i = 0; i < r->region_count; i++) {
    const uint8_t *base = r->regions[i].iov_base;
    if (data < base) continue;
    size_t offset = (size_t)(data - base);
    if (offset <= r->regions[i].iov_len && length <= r->regions[i].iov_len - offset) return (int)i;
  }
  return -1;
}

/* Submits if asked to; the operation's number, or its complement if something has ended already. */
static napi_value prepared(const call *c, const target *t) {
  ring *r = t->ring;
  uint32_t k = r->prepared[r->prepared_count - 1];
  if ((t->flags & FLAG_SUBMIT) != 0) {
    if ((t->flags & FLAG_WAIT) != 0)
      ring_submit_and_wait(r);
    else
      ring_submit(r, 0);
    ring_update_reference(r);
  }
  return number(c->env, r->ended_count > 0 ? -1 - (double)k : k);
}

/* Memory for a copy; NULL with an exception pending. */
static uint8_t *room(const call *c, size_t length) {
  void *copy = NULL;
  if (posix_memalign(&copy, COPY_ALIGNMENT, length > 0 ? length : 1) == 0) return copy;
  throw_code(c, "ENOMEM", "no memory for a copy of %zu bytes", length);
  return NULL;
}

/* A copy to write from, or room to read into, for memory that could go away. */
static operation *prepare_copy(const call *c, const target *t, const bytes *of, int64_t position) {
  bool write = (t->flags & FLAG_WRITE) != 0;
  struct io_uring_sqe *sqe;
  napi_ref reference = NULL;
  uint8_t *copy = room(c, of->length);
  if (copy == NULL) return NULL;
  if (write && of->length > 0) memcpy(copy, of->data, of->length);
  if (!write && napi_create_reference(c->env, c->values[3], 1, &reference) != napi_ok) {
    free(copy);
    throw_code(c, "ENOMEM", "no memory for a reference");
    return NULL;
  }
  operation *o = ring_prepare(c, t->ring, &sqe);
  if (o == NULL) {
    free(copy);
    if (reference != NULL) napi_delete_reference(c->env, reference);
    return NULL;
  }
  o->copy = copy;
  o->target = reference;
  fill_transfer(sqe, t, write ? IORING_OP_WRITE : IORING_OP_READ, copy, of->length, position);
  return o;
}

/* transfer(ring, flags, fd, view, position) -> operation */
napi_value js_transfer(napi_env env, napi_callback_info info) {
  call c;
  target t;
  bytes of;
  int64_t position;
  if (!call_begin(&c, env, info, "transfer") || !read_target(&c, &t) ||
      !arg_bytes(&c, 3, "buffer", &of) ||
      !arg_integer(&c, 4, "position", 0, MAX_SAFE_INTEGER, &position))
    return NULL;
  block *own = block_table_find(&c.environment->blocks, of.data, of.length);
  if (own == NULL && (t.flags & FLAG_WAIT) == 0)
    return prepare_copy(&c, &t, &of, position) == NULL ? NULL : prepared(&c, &t);

  struct io_uring_sqe *sqe;
  operation *o = ring_prepare(&c, t.ring, &sqe);
  if (o == NULL) return NULL;
  if (own != NULL) {
    block_hold(own);
    o->one = own;
  }
  bool write = (t.flags & FLAG_WRITE) != 0;
  int region = region_of(t.ring, of.data, of.length);
  if (region < 0) {
    fill_transfer(sqe, &t, write ? IORING_OP_WRITE : IORING_OP_READ, of.data, of.length, position);
  } else {
    fill_transfer(sqe, &t, write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED, of.data, of.length,
                  position);
    sqe->buf_index = (uint16_t)region;
  }
  return prepared(&c, &t);
}

/* Holds the block of each view, or none of them: false if one has no block, or without memory. */
static bool hold_all(const call *c, const bytes *views, uint32_t count, block **held) {
  for (uint32_t i = 0; i < count; i++) {
    held[i] = block_table_find(&c->environment->blocks, views[i].data, views[i].length);
    if (held[i] == NULL) return false;
  }
  for (uint32_t i = 0; i < count; i++) block_hold(held[i]);
  return true;
}

/* One write of all views, one behind the other, in memory that cannot go away. */
static operation *prepare_joined(const call *c, const target *t, const bytes *views, uint32_t count,
                                 int64_t position) {
  struct io_uring_sqe *sqe;
  size_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += views[i].length;
  uint8_t *copy = room(c, total);
  if (copy == NULL) return NULL;
  operation *o = ring_prepare(c, t->ring, &sqe);
  if (o == NULL) {
    free(copy);
    return NULL;
  }
  size_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (views[i].length > 0) memcpy(copy + at, views[i].data, views[i].length);
    at += views[i].length;
  }
  o->copy = copy;
  fill_transfer(sqe, t, IORING_OP_WRITE, copy, total, position);
  return o;
}

/* One write that gathers the views where they stand; `held` and `vector` become the operation's. */
static operation *prepare_gather(const call *c, const target *t, struct iovec *vector,
                                 uint32_t count, block **held, int64_t position) {
  struct io_uring_sqe *sqe;
  operation *o = ring_prepare(c, t->ring, &sqe);
  if (o == NULL) return NULL;
  o->vector = vector;
  o->blocks = held;
  o->block_count = held == NULL ? 0 : count;
  fill_transfer(sqe, t, IORING_OP_WRITEV, vector, count, position);
  return o;
}

/* transferMany(ring, flags, fd, views, position) -> operation; always a write */
napi_value js_transfer_many(napi_env env, napi_callback_info info) {
  call c;
  target t;
  bytes views[MAX_VIEWS];
  uint32_t count;
  int64_t position;
  if (!call_begin(&c, env, info, "transferMany") || !read_target(&c, &t) ||
      !arg_views(&c, 3, "buffers", MAX_VIEWS, views, &count) ||
      !arg_integer(&c, 4, "position", 0, MAX_SAFE_INTEGER, &position))
    return NULL;
  struct iovec *vector = calloc(count, sizeof *vector);
  block **held = calloc(count, sizeof(block *));
  if (vector == NULL || held == NULL) {
    free(vector);
    free(held);
    return throw_code(&c, "ENOMEM", "no memory for %u views", count);
  }
  for (uint32_t i = 0; i < count; i++) vector[i] = (struct iovec){views[i].data, views[i].length};
  bool holds = hold_all(&c, views, count, held);
  if (!holds) {
    free(held);
    held = NULL;
  }
  operation *o;
  if (!holds && (t.flags & FLAG_WAIT) == 0) {
    free(vector);
    o = prepare_joined(&c, &t, views, count, position);
  } else {
    o = prepare_gather(&c, &t, vector, count, held, position);
    if (o == NULL) {
      for (uint32_t i = 0; holds && i < count; i++) block_release(held[i]);
      free(held);
      free(vector);
    }
  }
  return o == NULL ? NULL : prepared(&c, &t);
}

/* fsync(ring, flags, fd) -> operation */
napi_value js_fsync(napi_env env, napi_callback_info info) {
  call c;
  target t;
  struct io_uring_sqe *sqe;
  if (!call_begin(&c, env, info, "fsync") || !read_target(&c, &t) ||
      ring_prepare(&c, t.ring, &sqe) == NULL)
    return NULL;
  fill(sqe, &t, IORING_OP_FSYNC);
  if ((t.flags & FLAG_DATA_ONLY) != 0) sqe->fsync_flags = IORING_FSYNC_DATASYNC;
  return prepared(&c, &t);
}

/* submit(ring, flags) -> how many operations have ended and are to be taken */
napi_value js_submit(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  int64_t flags;
  if (!call_begin(&c, env, info, "submit") || !arg_ring(&c, 0, false, &r) ||
      !arg_integer(&c, 1, "flags", 0, ALL_FLAGS, &flags))
    return NULL;
  if ((flags & FLAG_WAIT) != 0)
    ring_submit_and_wait(r);
  else
    ring_submit(r, 0);
  ring_update_reference(r);
  return number(env, r->ended_count);
}

/* discard(ring): forgets what was prepared and not submitted */
napi_value js_discard(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  if (!call_begin(&c, env, info, "discard") || !arg_ring(&c, 0, false, &r)) return NULL;
  ring_discard(r);
  return undefined(env);
}

/* take(ring, into) -> how many pairs (operation, result) were put into the Int32Array */
napi_value js_take(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  bytes into;
  if (!call_begin(&c, env, info, "take") || !arg_ring(&c, 0, true, &r) ||
      !arg_bytes(&c, 1, "into", &into))
    return NULL;
  uint32_t count = 0;
  completion ended;
  while ((count + 1) * sizeof ended <= into.length && ring_take(r, &ended))
    memcpy(into.data + count++ * sizeof ended, &ended, sizeof ended);
  ring_update_reference(r);
  return number(env, count);
}
#endif
