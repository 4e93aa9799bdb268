/** `sfsync recover-slot`: the slot is gone or of no use; makes it anew and finds what was changed meanwhile. */
import { type Command, Option } from 'commander';
import { withDatabase } from '../adapters/postgres/administration.ts';
import { type Recovery, recoverSlot } from '../adapters/postgres/slot-recovery.ts';
import type { SyncConfiguration } from '../core/configuration.ts';
import { SLOT } from '../core/database-names.ts';
import { type DatabaseOptions, findDatabase, withDatabaseOptions } from './surroundings.ts';
import { plural, processTerminal, progressBar } from './terminal.ts';

interface RecoverOptions extends DatabaseOptions {
  readonly slot: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly compare?: boolean;
}

export function addRecoverSlotCommand(program: Command, configuration: SyncConfiguration): void {
  withDatabaseOptions(program.command('recover-slot'))
    .description(
      'Makes a missing or lost replication slot anew, and compares all rows with what was last agreed, so that changes made meanwhile go to Salesforce. After an interruption it goes on.',
    )
    .addOption(new Option('--slot <name>', 'name of the replication slot').default(SLOT))
    .option('--dry-run', 'print the SQL and change nothing')
    .addOption(new Option('--force', 'make it anew although it looks healthy').conflicts('compare'))
    .option('--compare', 'leave the slot alone and only compare: when the publication lacked a table for a while')
    .action(async ({ slot, dryRun = false, force = false, compare = false, ...options }: RecoverOptions) => {
      const terminal = processTerminal;
      const recovery = await withDatabase(await findDatabase(options), (client) =>
        recoverSlot(client, configuration, {
          slot,
          dryRun,
          slotIs: force ? 'anew' : compare ? 'left alone' : 'anew if need be',
          log: (line) => terminal.tell(line),
          progress: ({ object, looked, all, marked }) =>
            terminal.progress(`${progressBar(looked, all)} ${object}: ${marked} due`),
        }),
      );
      for (const line of describeRecovery(recovery, slot, dryRun)) terminal.tell(line);
    });
}

export function describeRecovery(recovery: Recovery, slot: string, dryRun: boolean): string[] {
  const { slotMade, resumed, marked, compared } = recovery;
  if (dryRun) return [`-- would compare ${compared} links and rows`];
  const due = [...marked].filter(([, count]) => count > 0);
  return [
    slotMade
      ? `replication slot ${slot}: made anew`
      : resumed
        ? `replication slot ${slot}: an interrupted recovery goes on`
        : `replication slot ${slot}: left alone`,
    ...due.map(([object, count]) => `${object}: ${plural(count, 'key')} due`),
    due.length > 0
      ? 'what is due goes to Salesforce with the next execution, within minutes'
      : 'nothing was changed meanwhile',
  ];
}
