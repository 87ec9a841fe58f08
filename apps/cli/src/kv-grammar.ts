/** The grammar of `walrus kv COMMAND`: one-off use of the key-value store. */
import { type Command, Option } from 'commander'
import type { Run } from './run.ts'
import { parseAge, parseDelimiter, parseLimit, parsePosition } from './values.ts'

const KV = `Look up and change keys of the store that is in the log, and exit.

Keys and values are bytes. Into a pipe or a file they are exact; on a terminal control characters are escaped. Commands that only look work beside a running writer, and change nothing. walrus shell takes many commands.`

const GET = `Write the value of a key to standard output, followed by a newline. Exits with 1 where the key is not there.`

const SET = `Set a key. Without a value, it is what comes from standard input, whatever its bytes. Done once it is on disk.`

const DELETE = `Delete keys, all of them at once or none. Exits with 1 where none of them was there.`

const SCAN = `Write keys and values in the order of the keys' bytes, a pair a line, with a tab between key and value.`

const WATCH = `Write changes as they become durable, one JSON object a line, until interrupted. Each has its position: --from goes on behind it, also after a restart.`

export function addKvCommands(program: Command, directory: () => Option, run: Run): void {
  const kv = program.command('kv').summary('look up and change keys').description(KV)
  const command = (name: string): Command =>
    kv
      .command(name)
      .addOption(directory())
      .addOption(new Option('--stream <name>', 'the stream the store is in').default('kv', 'kv'))
  const json = (): Option =>
    new Option('--json', 'one JSON object a line: key or keyBase64, value or valueBase64')
  const delimiter = (): Option =>
    new Option('--delimiter <text>', 'what is written after each; knows \\n \\r \\t \\0 \\\\ \\xNN')
      .argParser(parseDelimiter)
      .default(Buffer.of(0x0a), 'newline')
  const range = (of: Command): Command =>
    of
      .option('--prefix <text>', 'only keys that begin so')
      .option('--gte <key>', 'only this key and those behind it')
      .option('--lt <key>', 'only keys before this one')
      .option('--limit <count>', 'at most so many', parseLimit)
      .option('--reverse', 'from the last key to the first')

  command('get')
    .argument('<key>')
    .summary('write the value of a key')
    .description(GET)
    .addOption(new Option('--raw', 'write nothing after the value'))
    .action(run(async () => (await import('./commands/kv-read.ts')).get))

  command('set')
    .argument('<key>')
    .argument('[value]')
    .summary('set a key')
    .description(SET)
    .option('--ttl <time>', 'how long the key is to be there, such as 30s or 12h', parseAge)
    .action(run(async () => (await import('./commands/kv-write.ts')).set))

  command('delete')
    .argument('<key...>')
    .summary('delete keys')
    .description(DELETE)
    .action(run(async () => (await import('./commands/kv-write.ts')).remove))

  command('has')
    .argument('<key>')
    .summary('tell whether a key is there')
    .description('Print true or false; exits with 0 or 1.')
    .action(run(async () => (await import('./commands/kv-read.ts')).has))

  range(command('keys'))
    .summary('write keys, in their order')
    .description('Write keys in the order of their bytes, one a line.')
    .addOption(delimiter().conflicts('json'))
    .addOption(json())
    .action(run(async () => (await import('./commands/kv-read.ts')).keys))

  command('len')
    .summary('print how many keys there are')
    .description('Print how many keys there are.')
    .action(run(async () => (await import('./commands/kv-read.ts')).len))

  range(command('scan'))
    .summary('write keys and values, in the order of the keys')
    .description(SCAN)
    .addOption(delimiter().conflicts('json'))
    .addOption(json())
    .action(run(async () => (await import('./commands/kv-read.ts')).scan))

  command('watch')
    .summary('write changes as they come')
    .description(WATCH)
    .addOption(new Option('--key <key>', 'only this key').conflicts('prefix'))
    .option('--prefix <text>', 'only keys that begin so')
    .option(
      '--from <position>',
      'begin at this position (default: what comes from now on)',
      parsePosition,
    )
    .action(run(async () => (await import('./commands/kv-watch.ts')).watch))
}
