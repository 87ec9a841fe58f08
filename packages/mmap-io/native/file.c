/* What is done with a descriptor: preallocation, advice, locks. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0, or an error number. */
static int preallocate(int fd, int64_t offset, int64_t length) {
  int error;
#if defined(__linux__)
  do error = fallocate(fd, 0, (off_t)offset, (off_t)length) == 0 ? 0 : errno;
  while (error == EINTR);
#elif defined(__APPLE__)
  struct stat file;
  if (fstat(fd, &file) != 0) return errno;
  int64_t more = offset + length - file.st_size;
  if (more <= 0) return 0;
  fstore_t store = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = more};
  error = fcntl(fd, F_PREALLOCATE, &store) == -1 ? errno : 0;
  if (error == 0 && ftruncate(fd, (off_t)(offset + length)) != 0) error = errno;
#else
  error = posix_fallocate(fd, (off_t)offset, (off_t)length);
#endif
  return error;
}

/* allocate(fd, offset, length) */
napi_value js_allocate(napi_env env, napi_callback_info info) {
  call c;
  int fd;
  int64_t offset, length;
  if (!call_begin(&c, env, info, "allocate") || !arg_fd(&c, 0, &fd) ||
      !arg_integer(&c, 1, "offset", 0, MAX_SAFE_INTEGER, &offset) ||
      !arg_integer(&c, 2, "length", 1, MAX_SAFE_INTEGER, &length))
    return NULL;
  int error = preallocate(fd, offset, length);
  return error == 0 ? undefined(env) : throw_system(&c, error, "fallocate");
}

/* fadvise(fd, offset, length, advice); length 0: up to the end. Does nothing where there is none. */
napi_value js_fadvise(napi_env env, napi_callback_info info) {
  call c;
  int fd;
  int64_t offset, length, advice;
  if (!call_begin(&c, env, info, "fadvise") || !arg_fd(&c, 0, &fd) ||
      !arg_integer(&c, 1, "offset", 0, MAX_SAFE_INTEGER, &offset) ||
      !arg_integer(&c, 2, "length", 0, MAX_SAFE_INTEGER, &length) ||
      !arg_integer(&c, 3, "advice", 0, 5, &advice))
    return NULL;
#if defined(__linux__)
  int error = posix_fadvise(fd, (off_t)offset, (off_t)length, (int)advice);
  if (error != 0) return throw_system(&c, error, "posix_fadvise");
#else
  if (fcntl(fd, F_GETFD) == -1) return throw_system(&c, errno, "fcntl");
#endif
  return undefined(env);
}

#define TAKEN (-1)
#define HOLDER_UNKNOWN 0

/*
 * Locks belong to the open file, not to the process as the old POSIX ones do: another descriptor of
 * the same process conflicts, and closing another one does not let go.
 */
#ifdef F_OFD_SETLK

/* Returns TAKEN, or who holds it, or sets *error. */
static int64_t set_lock(int fd, short type, int *error) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return TAKEN;
  if (errno != EAGAIN && errno != EACCES) {
    *error = errno;
    return HOLDER_UNKNOWN;
  }
  /* Names the process of an old lock; of one like ours it only says that it is there (-1). */
  struct flock holder = {.l_type = type, .l_whence = SEEK_SET};
  bool known = fcntl(fd, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK && holder.l_pid > 0;
  return known ? holder.l_pid : HOLDER_UNKNOWN;
}

#else

static int64_t set_lock(int fd, short type, int *error) {
  int operation = type == F_UNLCK ? LOCK_UN : type == F_WRLCK ? LOCK_EX : LOCK_SH;
  if (flock(fd, operation | LOCK_NB) == 0) return TAKEN;
  if (errno != EWOULDBLOCK) *error = errno;
  return HOLDER_UNKNOWN;
}

#endif

/* lock(fd, exclusive) -> -1 when it was taken, otherwise the process that holds it, 0 if unknown */
napi_value js_lock(napi_env env, napi_callback_info info) {
  call c;
  int fd, error = 0;
  bool exclusive;
  if (!call_begin(&c, env, info, "lock") || !arg_fd(&c, 0, &fd) ||
      !arg_boolean(&c, 1, "exclusive", &exclusive))
    return NULL;
  int64_t holder = set_lock(fd, exclusive ? F_WRLCK : F_RDLCK, &error);
  return error == 0 ? number(env, (double)holder) : throw_system(&c, error, "fcntl");
}

/* unlock(fd) */
napi_value js_unlock(napi_env env, napi_callback_info info) {
  call c;
  int fd, error = 0;
  if (!call_begin(&c, env, info, "unlock") || !arg_fd(&c, 0, &fd)) return NULL;
  set_lock(fd, F_UNLCK, &error);
  return error == 0 ? undefined(env) : throw_system(&c, error, "fcntl");
}
