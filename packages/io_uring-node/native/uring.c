/* The rings and the system calls. The contract stands in uring.h. */
#ifdef __linux__
#include "uring.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALIVE 0x57414c52u

/*
 * SUBMIT_ALL: an entry that fails at submission must not leave the rest of its chain behind, to be
 * submitted later as a chain of its own. COOP_TASKRUN: completions do not interrupt JavaScript.
 */
static const uint32_t SETUP =
    IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
    IORING_SETUP_SINGLE_ISSUER;

/* No completion lost, buffers of a submission copied at once, a wait with a timeout. */
static const uint32_t FEATURES = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                                 IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG;

static int enter(const uring *u, uint32_t submit, uint32_t wait, uint32_t flags, const void *argument,
                 size_t size) {
  long done = syscall(__NR_io_uring_enter, u->fd, submit, wait, flags, argument, size);
  return done < 0 ? -errno : (int)done;
}

static void *map(size_t size, int fd, off_t at) {
  void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);
  if (address == MAP_FAILED) return NULL;
  madvise(address, size, MADV_DONTFORK);
  return address;
}

static uint32_t *map_mark(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *address =
      mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return NULL;
  if (madvise(address, page, MADV_WIPEONFORK) != 0) {
    munmap(address, page);
    return NULL;
  }
  *(uint32_t *)address = ALIVE;
  return address;
}

static void place(uring *u, const struct io_uring_params *p) {
  uint8_t *base = u->rings;
  u->sq_head = (_Atomic uint32_t *)(void *)(base + p->sq_off.head);
  u->sq_tail = (_Atomic uint32_t *)(void *)(base + p->sq_off.tail);
  u->sq_mask = *(uint32_t *)(void *)(base + p->sq_off.ring_mask);
  u->sq_entries = p->sq_entries;
  u->sq_filled = atomic_load_explicit(u->sq_tail, memory_order_relaxed);
  u->cq_head = (_Atomic uint32_t *)(void *)(base + p->cq_off.head);
  u->cq_tail = (_Atomic uint32_t *)(void *)(base + p->cq_off.tail);
  u->cq_mask = *(uint32_t *)(void *)(base + p->cq_off.ring_mask);
  u->cqes = (const struct io_uring_cqe *)(void *)(base + p->cq_off.cqes);
  /* Entry k always stands at place k: nothing is submitted out of order. */
  uint32_t *order = (uint32_t *)(void *)(base + p->sq_off.array);
  for (uint32_t k = 0; k < p->sq_entries; k++) order[k] = k;
}

int uring_open(uring *u, uint32_t entries) {
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  memset(u, 0, sizeof *u);
  p.flags = SETUP;
  p.cq_entries = 2 * entries;
  u->thread = pthread_self();
  u->fd = (int)syscall(__NR_io_uring_setup, entries, &p);
  if (u->fd < 0) return errno;
  int error = 0;
  if ((p.features & FEATURES) != FEATURES) {
    error = EINVAL;
  } else {
    size_t sq = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
    size_t cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    u->rings_size = sq > cq ? sq : cq;
    u->sqes_size = p.sq_entries * sizeof(struct io_uring_sqe);
    u->rings = map(u->rings_size, u->fd, IORING_OFF_SQ_RING);
    u->sqes = map(u->sqes_size, u->fd, IORING_OFF_SQES);
    u->alive = map_mark();
    if (u->rings == NULL || u->sqes == NULL || u->alive == NULL) error = ENOMEM;
  }
  if (error != 0) {
    uring_close(u);
    return error;
  }
  place(u, &p);
  return 0;
}

void uring_close(uring *u) {
  if (u->alive != NULL) munmap(u->alive, (size_t)sysconf(_SC_PAGESIZE));
  if (u->sqes != NULL) munmap(u->sqes, u->sqes_size);
  if (u->rings != NULL) munmap(u->rings, u->rings_size);
  close(u->fd);
  u->fd = -1;
}

uring_use uring_usable(const uring *u) {
  if (*u->alive != ALIVE) return URING_FORKED;
  return pthread_equal(u->thread, pthread_self()) ? URING_USABLE : URING_OTHER_THREAD;
}

struct io_uring_sqe *uring_next(uring *u) {
  uint32_t head = atomic_load_explicit(u->sq_head, memory_order_acquire);
  if (u->sq_filled - head >= u->sq_entries) return NULL;
  struct io_uring_sqe *sqe = &u->sqes[u->sq_filled & u->sq_mask];
  memset(sqe, 0, sizeof *sqe);
  u->sq_filled++;
  return sqe;
}

void uring_rewind(uring *u) {
  u->sq_filled = atomic_load_explicit(u->sq_tail, memory_order_relaxed);
}

uint32_t uring_submit(uring *u, uint32_t wait, int *error) {
  uint32_t before = atomic_load_explicit(u->sq_tail, memory_order_relaxed);
  uint32_t count = u->sq_filled - before;
  atomic_store_explicit(u->sq_tail, u->sq_filled, memory_order_release);
  int done = enter(u, count, wait, wait > 0 ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
  uint32_t taken = atomic_load_explicit(u->sq_head, memory_order_acquire) - before;
  *error = 0;
  if (taken < count) {
    /* Nobody but io_uring_enter reads the tail, so it can go back. */
    u->sq_filled = before + taken;
    atomic_store_explicit(u->sq_tail, u->sq_filled, memory_order_release);
    *error = done < 0 ? -done : EAGAIN;
  }
  return taken;
}

void uring_wait(uring *u, int64_t timeout_ns) {
  struct __kernel_timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  struct io_uring_getevents_arg argument;
  memset(&argument, 0, sizeof argument);
  argument.sigmask_sz = _NSIG / 8;
  argument.ts = (uint64_t)(uintptr_t)&limit;
  bool limited = timeout_ns > 0;
  enter(u, 0, 1, IORING_ENTER_GETEVENTS | (limited ? IORING_ENTER_EXT_ARG : 0),
        limited ? &argument : NULL, limited ? sizeof argument : 0);
}

bool uring_pop(uring *u, uint64_t *data, int32_t *result) {
  uint32_t head = atomic_load_explicit(u->cq_head, memory_order_relaxed);
  if (head == atomic_load_explicit(u->cq_tail, memory_order_acquire)) return false;
  const struct io_uring_cqe *cqe = &u->cqes[head & u->cq_mask];
  *data = cqe->user_data;
  *result = cqe->res;
  atomic_store_explicit(u->cq_head, head + 1, memory_order_release);
  return true;
}

int uring_register(uring *u, unsigned operation, const void *argument, unsigned count) {
  long done = syscall(__NR_io_uring_register, u->fd, operation, argument, count);
  return done < 0 ? -errno : (int)done;
}
#endif
