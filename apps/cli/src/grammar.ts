/**
 * The grammar of the command line: `walrus COMMAND [options]`, an option meaning the same wherever it stands.
 *
 * Nothing here touches a log. A command's code, and the engine below it, is loaded only when that command runs, so
 * that help and mistakes are answered at once.
 */
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { Command, Option } from 'commander'
import { addKvCommands } from './kv-grammar.ts'
import type { Run } from './run.ts'
import { addTopicsCommands } from './topics-grammar.ts'
import {
  parseAge,
  parseDelimiter,
  parseDirectory,
  parseDurability,
  parseIndex,
  parseOneOf,
  parsePosition,
} from './values.ts'

/** Where the program puts what it has to say. */
export interface Sinks {
  /** Takes the exit code of a command that ran. */
  readonly done: (exitCode: number) => void
  /** Takes help and version. */
  readonly write: (text: string) => void
}

/** Starts a command with its parsed options and what stands beside them; resolves to the exit code. */
type Start<Options> = (options: Options, ...given: string[]) => Promise<number>

const PROGRAM = 'The durable log for Node.js: a pipe that keeps what it acknowledged.'

const AFTER_PROGRAM = `
Examples:
  walrus append < access.log
  walrus read --from 1000 | head
  walrus read --follow --json
  walrus kv set name jerk
  walrus                          (on a terminal: the shell)

Environment:
  WALRUS_DATA_DIR      directory of the log where --dir is not given
  WALRUS_INSTANCE_KEY  an instance: a folder of its own in that directory
  WALRUS_DEBUG         print stack traces with errors
  NO_COLOR             no colour

Exit codes:
  0 done, 1 failed, 2 wrong command line, 3 corruption found,
  130 or 143 interrupted`

const APPEND = `Append standard input to the log, one entry a line.

An entry, of the log or of a topic, is the bytes between two newlines, empty ones included; a last one without a newline counts too. It counts as appended once it is on disk, or, with --durability 10ms (any time) or none, once it is written: then a killed process loses nothing, but a power loss may. Interrupted by Ctrl-C, walrus finishes what it has read.`

const READ = `Write entries to standard output, each followed by a newline.

Into a pipe or a file the bytes are exact; on a terminal control characters are escaped. Works beside a running writer, and changes nothing.

Of a topic: what its cursor has not read, which counts as read once it is written. With --peek, or from a position with --from, nothing moves, and a writer may run.`

const VERIFY = `Read every byte of the log, check every checksum, and report. Changes nothing.

A torn tail, which a killed writer may leave, is reported, but is no corruption. Exits with 3 where corruption was found.`

const REPAIR = `Leave out of a damaged log what is damaged and all behind it, so that it opens again.

Reads all of the log. Nothing is deleted: what is left out is kept in the folder quarantine in the log's directory. Without --yes it only says what it would do, and exits with 3 where there is something to repair. A log that is whole is not touched. Restoring a copy loses less, if there is one.`

const DUMP = `Show what lies in the files, in their order: segments, commit groups, frames and the tail file, with offsets and sizes. Changes nothing.`

const STAT = `Show the size of the log, its first and last index, how far it is durable, and who writes to it. Changes nothing.`

const TRUNCATE = `Give up the end of the log (--keep-to: the last entry kept) or its front (--from: the first entry kept).

Needs --yes; without it, says what would go and exits with 2. The next entry appended gets the index after the last one kept; what is dropped from the front is never renumbered. The log must not be open elsewhere for writing.`

const RETAIN = `Remove the oldest segments until what is left is within the limits, and with them their entries.

Only whole segments go, oldest first, and never the one being written. Without a limit, only what was truncated away goes. With --dry-run nothing is changed, and a writer may run.`

const SHELL = `Take commands on keys, on a terminal or from standard input: SET, GET, DELETE, HAS, KEYS, LEN, COMMIT, CLEAR, HELP, EXIT.

walrus without a command on a terminal does the same. From standard input, one command a line, it stops at the first that is wrong, and exits with 2. Every change is on disk before the next prompt.`

const IMPORT = `Bring a directory of an earlier system into a new one: that of the Go log (segment_*.wal), of one instance of the Rust topic log, or of the Go key-value store (wal-*.log).

Every checksum is checked; the source is never written to. A torn last entry is left out with a warning; any other damage stops the import and is named, unless --salvage is given. Interrupted at any moment, the same command goes on where it was.`

const EXPORT = `Write the log back into the files of an earlier system, or as JSON lines.

go writes the plain log, and kv the keys, into a new directory, which is there as a whole or not at all. jsonl writes the plain log to standard output. Works beside a running writer, and changes nothing of the log.`

/**
 * The whole program, ready to parse. Refusals are thrown, as `CommanderError`.
 * @param defaultDir where the log is unless `--dir` says so
 */
export function buildProgram(sinks: Sinks, defaultDir: string): Command {
  const program = new Command('walrus')
    .usage('<command> [options]')
    .description(PROGRAM)
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({
      styleTitle: (title) => styleText('bold', title, { validateStream: false }),
      subcommandTerm: (command) => command.name(),
    })
    .configureOutput({ writeOut: sinks.write, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', AFTER_PROGRAM)
  program.version(ownVersion(), '--version', 'show the version')

  const directory = (): Option => directoryOr(defaultDir)
  const command = <Options>(name: string, load: () => Promise<Start<Options>>): Command =>
    program
      .command(name)
      .addOption(directory())
      .action(async (...args: unknown[]) => {
        const start = await load()
        const options = args.at(-2) as Options
        sinks.done(await start(options, ...(args.slice(0, -2) as string[])))
      })

  command('append', async () => (await import('./commands/append.ts')).append)
    .argument('[topic]', 'a topic; default: the log itself')
    .summary('append standard input, one entry a line')
    .description(APPEND)
    .addOption(
      new Option('--durability <mode>', 'what an append waits for: commit, a time as 10ms, or none')
        .argParser(parseDurability)
        .default('commit', 'commit'),
    )
    .option('--ack', 'print the last index of each commit group once it counts')
    .addOption(delimiter('what ends an entry').conflicts('whole'))
    .option('--whole', 'take all of the input as one entry, whatever its bytes')
    .addHelpText(
      'after',
      examples([
        'walrus append < access.log',
        'tail -F app.log | walrus append --dir /var/lib/app-log --ack',
        'walrus append orders < orders.txt',
        "find . -print0 | walrus append --delimiter '\\0'",
        'walrus append --whole < photo.jpg',
      ]),
    )

  command('read', async () => (await import('./commands/read.ts')).read)
    .argument('[topic]', 'a topic, from where its cursor is; default: the log itself')
    .summary('write entries to standard output')
    .description(READ)
    .option('--from <index>', 'first entry (default: the first there is)', parsePosition)
    .option('--cursor <name>', 'of a topic: the cursor that reads (default: the default cursor)')
    .option('--peek', 'of a topic: move no cursor')
    .option('--max-bytes <bytes>', 'of a topic: at most so much data, but one entry', parseIndex)
    .option('--to <index>', 'last entry (default: the last there is)', parseIndex)
    .option('--follow', 'go on with new entries as they become durable')
    .option('--json', 'one JSON object a line: index, time, data or dataBase64')
    .addOption(delimiter('what is written after each entry').conflicts(['json', 'raw']))
    .addOption(new Option('--raw', 'write nothing after an entry').conflicts('json'))
    .addHelpText(
      'after',
      examples([
        'walrus read --from 1000 --to 1999',
        'walrus read --follow --json | jq .data',
        'walrus read --from 7 --to 7 --raw > photo.jpg',
        'walrus read orders --cursor mailer --follow',
        'walrus read orders --peek | head -1',
      ]),
    )

  command('verify', async () => (await import('./commands/verify.ts')).verify)
    .summary('check every byte of the log')
    .description(VERIFY)
    .addOption(json())
    .addHelpText('after', examples(['walrus verify', 'walrus verify --json | jq .damage']))

  command('repair', async () => (await import('./commands/repair.ts')).repair)
    .summary('leave out what is damaged')
    .description(REPAIR)
    .option('--yes', 'do it, instead of saying what it would do')
    .addOption(json())
    .addHelpText('after', examples(['walrus repair', 'walrus repair --yes']))

  command('dump', async () => (await import('./commands/dump.ts')).dump)
    .summary('show what lies in the files')
    .description(DUMP)
    .addOption(json())
    .addHelpText(
      'after',
      examples(['walrus dump | less', 'walrus dump --json | jq \'select(.type == "group")\'']),
    )

  command('stat', async () => (await import('./commands/stat.ts')).stat)
    .summary('show size, indexes, marks and the writer')
    .description(STAT)
    .addOption(json())
    .addOption(
      new Option('--prometheus', 'print metrics in the text format of Prometheus').conflicts(
        'json',
      ),
    )
    .addHelpText(
      'after',
      examples([
        'walrus stat',
        'walrus stat --json | jq .lastIndex',
        'walrus stat --prometheus > /var/lib/node_exporter/walrus.prom',
      ]),
    )

  command('truncate', async () => (await import('./commands/truncate.ts')).truncate)
    .summary('give up the end or the front of the log')
    .description(TRUNCATE)
    .addOption(
      new Option('--keep-to <index>', 'keep the entries up to this one')
        .argParser(parsePosition)
        .conflicts('from'),
    )
    .option('--from <index>', 'keep the entries from this one on', parsePosition)
    .option('--stream <name>', 'a named stream instead of the plain log')
    .option('--yes', 'do it')
    .addOption(json())
    .addHelpText(
      'after',
      examples(['walrus truncate --keep-to 999 --yes', 'walrus truncate --from 5000']),
    )

  command('retain', async () => (await import('./commands/retain.ts')).retain)
    .summary('remove the oldest segments')
    .description(RETAIN)
    .option('--max-segments <count>', 'keep at most so many segments', parseIndex)
    .option('--max-bytes <bytes>', 'keep at most so many bytes of segments', parseIndex)
    .option('--max-age <time>', 'let go what is older, such as 12h or 7d', parseAge)
    .option('--dry-run', 'only say what would go')
    .addOption(json())
    .addHelpText(
      'after',
      examples([
        'walrus retain --max-age 7d --dry-run',
        'walrus retain --max-segments 100 --json | jq .bytes',
      ]),
    )

  const run: Run =
    (load) =>
    async (...given) => {
      const start = await load()
      // The command itself comes last.
      sinks.done(await start(...(given.slice(0, -1) as never[])))
    }
  addTopicsCommands(program, directory, run)
  addKvCommands(program, directory, run)

  command('shell', async () => (await import('./commands/shell.ts')).shell)
    .summary('set and look up keys, one command after another')
    .description(SHELL)
    .option('--stream <name>', 'the stream the store is in', 'kv')
    .addHelpText('after', examples(['walrus', 'walrus shell < commands.txt']))

  command('import', async () => (await import('./commands/import.ts')).importInto)
    .argument('<source>', 'directory to import')
    .summary('bring in the data of an earlier system')
    .description(IMPORT)
    .addOption(
      new Option('--from <system>', 'what wrote it: auto, go, rust, kv')
        .argParser(parseOneOf(['auto', 'go', 'rust', 'kv']))
        .default('auto', 'auto'),
    )
    .option('--salvage', 'leave damage out, and go on behind it')
    .addOption(json())
    .addHelpText(
      'after',
      examples([
        'walrus import ./wal --dir ./data',
        'walrus import ./wal_files/tenant-1 --dir ./tenant-1',
        'walrus import ./old-store --from kv --json | jq .records',
      ]),
    )

  command('export', async () => (await import('./commands/export.ts')).exportFrom)
    .argument('[into]', 'directory to make, for go and kv')
    .summary('write the log back as an earlier system would')
    .description(EXPORT)
    .addOption(
      new Option('--format <format>', 'what to write: go, kv, jsonl')
        .argParser(parseOneOf(['go', 'kv', 'jsonl']))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--encoding <encoding>', 'layout of entries for go: binary, json')
        .argParser(parseOneOf(['binary', 'json']))
        .default('binary', 'binary'),
    )
    .addHelpText(
      'after',
      examples([
        'walrus export ./wal --format go --encoding json',
        'walrus export ./old-store --format kv',
        'walrus export --format jsonl | gzip > log.jsonl.gz',
      ]),
    )

  return program
}

function ownVersion(): string {
  const path = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

function directoryOr(defaultDir: string): Option {
  return new Option('--dir <path>', 'directory of the log')
    .argParser(parseDirectory)
    .default(defaultDir, '$WALRUS_DATA_DIR or ./walrus-data')
}

function delimiter(what: string): Option {
  return new Option('--delimiter <text>', `${what}; knows \\n \\r \\t \\0 \\\\ \\xNN`)
    .argParser(parseDelimiter)
    .default(Buffer.of(0x0a), 'newline')
}

function json(): Option {
  return new Option('--json', 'print JSON')
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}
