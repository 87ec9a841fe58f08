/*
 * A ring that JavaScript opened: a kernel ring, its operations, and its place in the event loop.
 *
 * An operation goes through these states; its number is its place in `operations`:
 *
 *   free -> prepared -> under way -> ended -> free
 *           (js_transfer, ...) (submit) (completion) (js_take)
 *
 * Invariants:
 * - `operations` has as many places as the kernel ring has entries, so a prepared operation always
 *   finds an entry and a completion always finds room.
 * - Memory that the kernel may touch is held by the operation (a copy, or blocks) until its
 *   completion was seen. Only an operation that is waited for in the same call works on memory of
 *   others: no JavaScript runs meanwhile that could take it away.
 * - The poll handle keeps the event loop alive exactly while operations are under way or ended.
 * - A ring is freed in the close callback of its poll handle, never under a caller's feet.
 */
#ifndef WALRUS_IO_URING_RING_H
#define WALRUS_IO_URING_RING_H

#include <sys/uio.h>

#include "addon.h"
#include "uring.h"
#include "uv_abi.h"

#define MAX_ENTRIES 4096
#define MAX_FILES 1024
#define MAX_BUFFERS 64
#define NO_OPERATION UINT32_MAX

/* Result of a read whose destination was detached, or became too short, before it ended. */
#define RESULT_DETACHED INT32_MIN

typedef struct {
  /* The blocks held; `one` where it is one, so that the common case needs no memory. */
  block **blocks;
  block *one;
  uint32_t block_count;
  /* A copy of the caller's bytes, or room to read into. */
  uint8_t *copy;
  /* Where a read goes on from `copy`. */
  napi_ref target;
  /* For `writev`, until submitted. */
  struct iovec *vector;
  uint32_t next_free;
  bool waited_for;
} operation;

typedef struct {
  uint32_t operation;
  int32_t result;
} completion;

typedef enum { RING_OPEN, RING_CLOSING, RING_CLOSED } ring_state;

typedef struct ring {
  environment *environment;
  napi_env env;
  double id;
  ring_state state;
  uring kernel;
  uv_poll_t *poll;
  napi_async_cleanup_hook_handle hook;

  operation *operations;
  uint32_t entries;
  uint32_t first_free;
  /* Prepared operations, in order. */
  uint32_t *prepared;
  uint32_t prepared_count;
  uint32_t under_way;
  /* Of those under way, how many a caller waits for. */
  uint32_t waited_for;
  /* Ended operations, oldest first, from `ended_first`. */
  completion *ended;
  uint32_t ended_first;
  uint32_t ended_count;
  /* A cancellation, or the pause before the next one, is under way. */
  bool cancelling;

  uint32_t file_count;
  struct iovec regions[MAX_BUFFERS];
  block *region_blocks[MAX_BUFFERS];
  uint32_t region_count;
} ring;

/* Keeps the event loop alive exactly while something is under way or ended. */
void ring_update_reference(ring *r);

/* An unused operation, now prepared, with its entry; NULL with an exception pending. */
operation *ring_prepare(const call *c, ring *r, struct io_uring_sqe **sqe);
/* Undoes every preparation. */
void ring_discard(ring *r);
/* Submits what is prepared; those that the kernel did not take have ended with the error. */
void ring_submit(ring *r, uint32_t wait);
/* Submits, and waits until each operation of this submission has ended. */
void ring_submit_and_wait(ring *r);
/* Moves what the kernel completed to `ended`, and goes on with cancelling if the ring closes. */
void ring_reap(ring *r);
/* Oldest ended operation; it is free afterwards. False if there is none. */
bool ring_take(ring *r, completion *out);

/* Begins to cancel what is under way. */
void ring_cancel(ring *r);
/* Cancels and waits until nothing is under way; then lets go of everything. */
void ring_abort(ring *r);
/* Lets go of everything; nothing may be under way. */
void ring_dispose(ring *r);

#endif
