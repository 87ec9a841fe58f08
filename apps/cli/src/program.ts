/** One run of the command line: from the arguments to an exit code. */
import { type Command, CommanderError } from 'commander'
import { type HintedError, usageError } from './errors.ts'
import { buildProgram } from './grammar.ts'
import { print } from './output.ts'

/**
 * Runs the command line `argv` (without node and script); resolves to the exit code.
 * @throws what the command fails with, and `WALRUS_USAGE` for a command line that cannot be obeyed
 */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  let help = ''
  const sinks = {
    done: (code: number) => {
      exitCode = code
    },
    write: (text: string) => {
      help += text
    },
  }
  const program = buildProgram(sinks, await defaultDirectory())
  try {
    await program.parseAsync(answerable(program, argv), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw refusal(error, program, argv)
    await print(help)
  }
  return exitCode
}

/** Where the log is unless `--dir` says so. What knows of instances is loaded only where there is one. */
async function defaultDirectory(): Promise<string> {
  const { WALRUS_DATA_DIR: dir, WALRUS_INSTANCE_KEY: key } = process.env
  if (key === undefined || key === '') return dir || './walrus-data'
  const { logDirectory } = await import('@walrus/topics')
  return logDirectory(undefined, key, process.env)
}

/**
 * `argv` in a form that commander answers rightly: nothing at all opens the shell where a person sits at a terminal,
 * and asks for help elsewhere, and an unknown command is refused
 * by name only when it stands alone, not with options after it or `help` before it.
 */
function answerable(program: Command, argv: readonly string[]): readonly string[] {
  const isHelp = argv[0] === 'help'
  const name = isHelp ? argv[1] : argv[0]
  const isPerson = process.stdin.isTTY && process.stdout.isTTY
  if (name === undefined && !isHelp && isPerson) return ['shell']
  if (name === undefined || (isHelp && name === 'help')) return ['--help']
  if (name === 'kv' && argv.length === 1) return ['kv', '--help']
  const isKnown = name.startsWith('-') || name === 'help' || find(program, name) !== undefined
  return isKnown ? argv : [name]
}

/** Commander's message, taken apart into ours and its suggestions. */
function refusal(error: CommanderError, program: Command, argv: readonly string[]): HintedError {
  const [message = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n')
  const command = find(program, argv[0] ?? '')
  return usageError(message, [
    ...suggestions.map((suggestion) => suggestion.replace(/^\((.*)\)$/, '$1')),
    command === undefined
      ? 'walrus --help lists the commands.'
      : `walrus ${command.name()} --help lists its options.`,
  ])
}

function find(program: Command, name: string): Command | undefined {
  return program.commands.find((command) => command.name() === name)
}
