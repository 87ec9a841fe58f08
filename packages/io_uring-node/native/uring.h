/*
 * One io_uring, as the kernel offers it: two rings of memory shared with the kernel and three system
 * calls. Knows nothing of JavaScript, nor of what the operations are.
 *
 * Contract: a ring is used by the thread that opened it, in the process that opened it;
 * `uring_usable` tells whether that is so and touches nothing shared. Every other function may be
 * called only when it is.
 *
 * Entries are filled by `uring_next`, seen by the kernel at `uring_submit`, and until then taken back
 * by `uring_rewind`. The caller never has more operations under way than the completion ring holds,
 * so completions cannot overflow it.
 *
 * Layout and memory order: io_uring(7), io_uring_setup(2), io_uring_enter(2).
 */
#ifndef WALRUS_IO_URING_H
#define WALRUS_IO_URING_H

#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int fd;
  pthread_t thread;
  /* One page that a fork leaves empty in the child; it holds a mark in the process that opened it. */
  uint32_t *alive;

  void *rings;
  size_t rings_size;
  struct io_uring_sqe *sqes;
  size_t sqes_size;

  _Atomic uint32_t *sq_head;
  _Atomic uint32_t *sq_tail;
  uint32_t sq_mask;
  uint32_t sq_entries;
  /* The tail with what `uring_next` filled; never behind what the kernel sees. */
  uint32_t sq_filled;

  _Atomic uint32_t *cq_head;
  _Atomic uint32_t *cq_tail;
  uint32_t cq_mask;
  const struct io_uring_cqe *cqes;
} uring;

typedef enum { URING_USABLE, URING_FORKED, URING_OTHER_THREAD } uring_use;

/* 0, or an error number. Room for `entries` operations, and twice as many completions. */
int uring_open(uring *u, uint32_t entries);

/* Gives memory and descriptor back. The kernel cancels what is still under way. */
void uring_close(uring *u);

uring_use uring_usable(const uring *u);

/* An empty entry; NULL if there is no room. */
struct io_uring_sqe *uring_next(uring *u);

/* Takes back the entries that were not submitted. */
void uring_rewind(uring *u);

/*
 * Submits every filled entry in one system call, and waits in it until `wait` completions are there.
 * Returns how many entries the kernel took; the others are taken back, and `error` says why (0 if
 * there are none). It may return before the completions are there: a signal ends the wait.
 */
uint32_t uring_submit(uring *u, uint32_t wait, int *error);

/* Waits until a completion is there, a signal comes, or `timeout_ns` have passed (0: no limit). */
void uring_wait(uring *u, int64_t timeout_ns);

/* Takes the oldest completion; false if there is none. */
bool uring_pop(uring *u, uint64_t *data, int32_t *result);

/* io_uring_register(2); 0 or more on success, or a negative error number. */
int uring_register(uring *u, unsigned operation, const void *argument, unsigned count);

#endif
