/*
 * The kernel ring without JavaScript: in another thread, in a forked child, and in its own thread.
 *
 * Prints one line for each finding; exit status 0 if all is as it should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uring.h"

static int wrong = 0;

static void expect(bool holds, const char *what) {
  if (holds) return;
  printf("wrong: %s\n", what);
  wrong = 1;
}

static void *in_another_thread(void *data) {
  expect(uring_usable(data) == URING_OTHER_THREAD, "another thread is told apart");
  return NULL;
}

static void fill(struct io_uring_sqe *sqe, uint64_t data) {
  sqe->opcode = IORING_OP_NOP;
  sqe->user_data = data;
}

static void order_and_room(uring *u) {
  int error;
  uint64_t data;
  int32_t result;
  for (uint64_t round = 0; round < 1000; round++) {
    for (uint64_t k = 0; k < 4; k++) fill(uring_next(u), round * 4 + k);
    expect(uring_next(u) == NULL, "there is room for four");
    expect(uring_submit(u, 4, &error) == 4 && error == 0, "four are taken");
    for (uint64_t k = 0; k < 4; k++)
      expect(uring_pop(u, &data, &result) && data == round * 4 + k && result == 0, "in order");
    expect(!uring_pop(u, &data, &result), "no more than four");
  }
}

static void rewound(uring *u) {
  int error;
  uint64_t data;
  int32_t result;
  fill(uring_next(u), 1);
  fill(uring_next(u), 2);
  uring_rewind(u);
  fill(uring_next(u), 3);
  expect(uring_submit(u, 1, &error) == 1, "one is taken");
  expect(uring_pop(u, &data, &result) && data == 3, "what was rewound is not submitted");
  expect(!uring_pop(u, &data, &result), "nor anything else");
}

static void not_taken(uring *u) {
  int error;
  uring broken = *u;
  broken.fd = open("/dev/null", O_RDONLY);
  fill(uring_next(&broken), 1);
  expect(uring_submit(&broken, 0, &error) == 0 && error != 0, "an error says why none was taken");
  close(broken.fd);
  rewound(u);
}

static void waits_no_longer_than_told(uring *u) {
  uring_wait(u, 1000000);
}

static void forked(uring *u) {
  pid_t child = fork();
  if (child == 0) _exit(uring_usable(u) == URING_FORKED ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  expect(status == 0, "a forked child is told apart");
}

int main(void) {
  uring u;
  pthread_t other;
  expect(uring_open(&u, 1u << 30) == EINVAL, "a ring too large is refused");
  int error = uring_open(&u, 4);
  if (error != 0) {
    printf("cannot open a ring: %s\n", strerror(error));
    return 2;
  }
  expect(uring_usable(&u) == URING_USABLE, "its own thread may use it");
  pthread_create(&other, NULL, in_another_thread, &u);
  pthread_join(other, NULL);
  forked(&u);
  order_and_room(&u);
  rewound(&u);
  not_taken(&u);
  waits_no_longer_than_told(&u);
  uring_close(&u);
  return wrong;
}
