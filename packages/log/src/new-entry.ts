/** An entry that is not in the log yet: its data, and its attributes as they stand in a frame. */

import type { EncodedAttributes } from '@walrus/segment'

export interface NewEntry {
  readonly bytes: Uint8Array
  readonly attributes: EncodedAttributes | undefined
}
