/** Where the repository is. */

import { fileURLToPath } from 'node:url'

/** The root of the repository: the same seen from `src/sites` and from `dist/sites`. */
export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url))
