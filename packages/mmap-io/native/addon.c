/* What JavaScript sees, and the state of one environment. */
#include "addon.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* misalignment(buffer, align) -> how far the first byte lies behind a multiple of `align` */
napi_value js_misalignment(napi_env env, napi_callback_info info) {
  call c;
  bytes of;
  int64_t align;
  if (!call_begin(&c, env, info, "misalignment") || !arg_bytes(&c, 0, "buffer", &of) ||
      !arg_integer(&c, 1, "align", 1, INT32_MAX, &align))
    return NULL;
  return number(env, (double)((uintptr_t)of.data % (uint64_t)align));
}

static void free_environment(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

typedef struct {
  const char *name;
  napi_callback function;
} export;

static const export EXPORTS[] = {
    {"map", js_map},
    {"unmap", js_unmap},
    {"advise", js_advise},
    {"sync", js_sync},
    {"incore", js_incore},
    {"allocate", js_allocate},
    {"fadvise", js_fadvise},
    {"lock", js_lock},
    {"unlock", js_unlock},
    {"write", js_write},
    {"writeSync", js_write_sync},
    {"misalignment", js_misalignment},
    {"crc32", js_crc32},
    {"crc32Table", js_crc32_table},
    {"crc32Each", js_crc32_each},
};

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  long page = sysconf(_SC_PAGESIZE);
  environment *e = page > 0 ? calloc(1, sizeof *e) : NULL;
  if (e == NULL || napi_set_instance_data(env, e, free_environment, NULL) != napi_ok) {
    free(e);
    napi_throw_error(env, "ENOMEM", "no memory for the state of @walrus/mmap-io");
    return NULL;
  }
  e->page = (size_t)page;
  crc32_fill(&e->tables);
  e->crc32 = crc32_choose(&e->crc32_name);
  set_number(env, exports, "pageSize", (double)page);
  napi_value name;
  if (napi_create_string_utf8(env, e->crc32_name, NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_set_named_property(env, exports, "crc32Name", name) != napi_ok)
    return NULL;
  for (size_t i = 0; i < sizeof EXPORTS / sizeof EXPORTS[0]; i++) {
    napi_value function;
    if (napi_create_function(env, EXPORTS[i].name, NAPI_AUTO_LENGTH, EXPORTS[i].function, e,
                             &function) != napi_ok ||
        napi_set_named_property(env, exports, EXPORTS[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
