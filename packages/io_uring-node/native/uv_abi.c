/* Whether the libuv of the program is the one that uv_abi.h describes. */
#ifdef __linux__
#include "uv_abi.h"

#include <string.h>

bool uv_abi_fits(void) {
  return uv_version && uv_handle_type_name && uv_handle_size && uv_poll_init && uv_poll_start &&
         uv_poll_stop && uv_close && uv_ref && uv_unref && uv_handle_set_data &&
         uv_handle_get_data && uv_version() >> 16 == 1 &&
         strcmp(uv_handle_type_name(UV_POLL), "poll") == 0;
}
#endif
