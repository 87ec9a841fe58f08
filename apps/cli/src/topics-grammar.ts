/** The grammar of the commands on topics besides `append` and `read`. */
import { type Command, Option } from 'commander'
import type { Run } from './run.ts'
import { parsePlace } from './values.ts'

const TOPICS = `List the topics: entries, what the default cursor has not read, bytes, how many entries a second came in the last minute, when the last one came, and the named cursors with what each has not read. Changes nothing.`

const CURSOR = `Show, create, move and delete the cursors of a topic. The default cursor has the empty name.`

const RECLAIM = `Give up what every cursor of a topic has read, and remove the segments that hold nothing else.

A writer does so by itself in the background; this is for when there is none. A topic without a cursor keeps all. With --dry-run nothing is changed, and a writer may run.`

/** @param directory the option that says where the log is */
export function addTopicsCommands(program: Command, directory: () => Option, run: Run): void {
  const json = (): Option => new Option('--json', 'print JSON')
  const at = (): Option =>
    new Option('--at <place>', 'start, end, a position, or a time').argParser(parsePlace)

  program
    .command('topics')
    .addOption(directory())
    .summary('list topics, with what is unread')
    .description(TOPICS)
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  walrus topics\n  walrus topics --json | jq .unread')
    .action(run(async () => (await import('./commands/topics.ts')).topics))

  const cursor = program
    .command('cursor')
    .summary('show, create, move and delete cursors')
    .description(CURSOR)
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  walrus cursor list orders',
        '  walrus cursor create orders mailer --at end',
        '  walrus cursor seek orders mailer --at 2026-11-20T12:00:00Z',
        '  walrus cursor delete orders mailer',
      ].join('\n'),
    )
  const command = (name: string): Command => cursor.command(name).addOption(directory())

  command('list')
    .argument('<topic>')
    .summary('show the cursors of a topic')
    .description(
      'Show the cursors of a topic: position, what each has not read, what is handed out.',
    )
    .addOption(json())
    .action(run(async () => (await import('./commands/cursor.ts')).list))

  command('create')
    .argument('<topic>')
    .argument('<cursor>')
    .summary('create a cursor')
    .description('Create a cursor; where, --at says.')
    .addOption(at().default('start', 'start'))
    .action(run(async () => (await import('./commands/cursor.ts')).create))

  command('seek')
    .argument('<topic>')
    .argument('[cursor]', 'default: the default cursor', '')
    .summary('move a cursor')
    .description('Move a cursor, forwards or backwards.')
    .addOption(at().makeOptionMandatory())
    .action(run(async () => (await import('./commands/cursor.ts')).seek))

  command('delete')
    .argument('<topic>')
    .argument('[cursor]', 'default: the default cursor', '')
    .summary('delete a cursor')
    .description('Delete a cursor: nothing is kept for it any more.')
    .action(run(async () => (await import('./commands/cursor.ts')).remove))

  program
    .command('reclaim')
    .addOption(directory())
    .summary('give up what every cursor has read')
    .description(RECLAIM)
    .option('--dry-run', 'only say what would go')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  walrus reclaim --dry-run\n  walrus reclaim')
    .action(run(async () => (await import('./commands/reclaim.ts')).reclaim))
}
