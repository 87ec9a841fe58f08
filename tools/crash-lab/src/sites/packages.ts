/** The packages whose sources are searched for sites, and where their files are. */

import { fileURLToPath } from 'node:url'

/** The packages that keep the promises. */
export const PACKAGES: readonly string[] = ['codec', 'segment', 'log']

/** The root of the repository; the same seen from `src/sites` and from `dist/sites`. */
export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url))
