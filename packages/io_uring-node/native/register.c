/* Files and memory that a ring knows beforehand, so that the kernel need not look them up each time. */
#ifdef __linux__
#include "ring.h"

/* The kernel would wait for what is under way; the event loop must not. */
static bool idle(const call *c, const ring *r) {
  if (r->under_way == 0) return true;
  throw_code(c, "ERR_RING_BUSY", "%u operations are under way", r->under_way);
  return false;
}

/* registerFiles(ring, fds) -> 0, or a negative error number; -1 leaves a place empty */
napi_value js_register_files(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  int32_t fds[MAX_FILES];
  uint32_t count;
  if (!call_begin(&c, env, info, "registerFiles") || !arg_ring(&c, 0, false, &r) || !idle(&c, r) ||
      !arg_integers(&c, 1, "fds", -1, MAX_FILES, fds, &count))
    return NULL;
  int done = uring_register(&r->kernel, IORING_REGISTER_FILES, fds, count);
  if (done >= 0) r->file_count = count;
  return number(env, done);
}

/* updateFile(ring, index, fd) -> 0 or more, or a negative error number; -1 empties the place */
napi_value js_update_file(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  int64_t index, fd;
  if (!call_begin(&c, env, info, "updateFile") || !arg_ring(&c, 0, false, &r)) return NULL;
  if (r->file_count == 0) return throw_range(&c, "the ring has no registered files");
  if (!arg_integer(&c, 1, "index", 0, r->file_count - 1, &index) ||
      !arg_integer(&c, 2, "fd", -1, INT32_MAX, &fd))
    return NULL;
  int32_t replacement = (int32_t)fd;
  struct io_uring_files_update update = {
      .offset = (uint32_t)index, .fds = (uint64_t)(uintptr_t)&replacement};
  return number(env, uring_register(&r->kernel, IORING_REGISTER_FILES_UPDATE, &update, 1));
}

/* unregisterFiles(ring) -> 0, or a negative error number */
napi_value js_unregister_files(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  if (!call_begin(&c, env, info, "unregisterFiles") || !arg_ring(&c, 0, false, &r) || !idle(&c, r))
    return NULL;
  int done = uring_register(&r->kernel, IORING_UNREGISTER_FILES, NULL, 0);
  if (done >= 0) r->file_count = 0;
  return number(env, done);
}

/* registerBuffers(ring, views) -> 0, or a negative error number; the memory is that of allocate */
napi_value js_register_buffers(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  bytes views[MAX_BUFFERS];
  block *blocks[MAX_BUFFERS];
  struct iovec regions[MAX_BUFFERS];
  uint32_t count;
  if (!call_begin(&c, env, info, "registerBuffers") || !arg_ring(&c, 0, false, &r) ||
      !idle(&c, r) || !arg_views(&c, 1, "buffers", MAX_BUFFERS, views, &count))
    return NULL;
  for (uint32_t i = 0; i < count; i++) {
    blocks[i] = block_table_find(&c.environment->blocks, views[i].data, views[i].length);
    if (blocks[i] == NULL || views[i].length == 0)
      return throw_range(&c, "buffers must be memory from allocate, and not empty");
    regions[i] = (struct iovec){views[i].data, views[i].length};
  }
  int done = uring_register(&r->kernel, IORING_REGISTER_BUFFERS, regions, count);
  if (done < 0) return number(env, done);
  for (uint32_t i = 0; i < count; i++) {
    block_hold(blocks[i]);
    r->region_blocks[i] = blocks[i];
    r->regions[i] = regions[i];
  }
  r->region_count = count;
  return number(env, done);
}

/* unregisterBuffers(ring) -> 0, or a negative error number */
napi_value js_unregister_buffers(napi_env env, napi_callback_info info) {
  call c;
  ring *r;
  if (!call_begin(&c, env, info, "unregisterBuffers") || !arg_ring(&c, 0, false, &r) ||
      !idle(&c, r))
    return NULL;
  int done = uring_register(&r->kernel, IORING_UNREGISTER_BUFFERS, NULL, 0);
  if (done < 0) return number(env, done);
  for (uint32_t i = 0; i < r->region_count; i++) block_release(r->region_blocks[i]);
  r->region_count = 0;
  return number(env, done);
}
#endif
