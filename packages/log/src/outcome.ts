/** Who is told what becomes of a commit that was sequenced, in the same turn of the event loop. */

export interface Outcome {
  acknowledged(): void
  failed(error: unknown): void
}
