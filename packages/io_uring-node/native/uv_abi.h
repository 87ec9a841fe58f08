/*
 * The part of libuv's interface used here. Its handles stay opaque: libuv itself says how large they
 * are, so that one binary fits every libuv 1.x, which keeps these functions and this enumeration.
 *
 * Weak: a runtime that has Node-API and no libuv still loads the binary, and `uv_abi_fits` says no.
 */
#ifndef WALRUS_IO_URING_UV_ABI_H
#define WALRUS_IO_URING_UV_ABI_H

#include <stdbool.h>
#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;

#define UV_POLL 8
#define UV_READABLE 1

#define UV_WEAK __attribute__((weak, visibility("default")))
UV_WEAK unsigned uv_version(void);
UV_WEAK const char *uv_handle_type_name(int type);
UV_WEAK size_t uv_handle_size(int type);
UV_WEAK int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
UV_WEAK int uv_poll_start(uv_poll_t *poll, int events,
                          void (*callback)(uv_poll_t *poll, int status, int events));
UV_WEAK int uv_poll_stop(uv_poll_t *poll);
UV_WEAK void uv_close(uv_handle_t *handle, void (*callback)(uv_handle_t *handle));
UV_WEAK void uv_ref(uv_handle_t *handle);
UV_WEAK void uv_unref(uv_handle_t *handle);
UV_WEAK void uv_handle_set_data(uv_handle_t *handle, void *data);
UV_WEAK void *uv_handle_get_data(const uv_handle_t *handle);
#undef UV_WEAK

/* Whether the program that loaded this has a libuv 1.x whose poll handle is what is meant here. */
bool uv_abi_fits(void);

#endif
