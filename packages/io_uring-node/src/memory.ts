/** Memory that the kernel may use as it is. */

import { binding } from './binding.ts'

/**
 * Zeroed memory that starts at a page, as descriptors opened with `O_DIRECT` need it. Operations on
 * it are not copied, and it can be registered: it stays where it is until every operation on it has
 * ended, even if it is dropped, transferred or detached meanwhile. It takes whole pages, so cut many
 * small buffers out of one.
 *
 * @param bytes 1 to 2,147,479,552
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`, `ENOMEM`, `WALRUS_NATIVE_MISSING`
 */
export function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(binding().allocate(bytes))
}
