/** How the commands of a part of the grammar are run. */

/** Runs a command with its arguments and options, and hands on its exit code. */
export type Run = (load: () => Promise<(...given: never[]) => Promise<number>>) => Action

type Action = (...given: unknown[]) => Promise<void>
