/** What the log must reach, each path against what is measured in the same rounds. */

import { FD_TARGETS } from './fd-targets.ts'
import { KV_TARGETS } from './kv-targets.ts'
import { NATIVE_TARGETS } from './native-targets.ts'
import { STREAM_TARGETS } from './stream-targets.ts'
import type { Target } from './target.ts'

export const TARGETS: readonly Target[] = [
  ...FD_TARGETS,
  ...NATIVE_TARGETS,
  ...STREAM_TARGETS,
  ...KV_TARGETS,
]
