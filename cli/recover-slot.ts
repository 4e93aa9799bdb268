/** `sfsync recover-slot`: the slot is gone or of no use; makes it anew and finds what was changed since it was last read. */
import { type Command, Option } from 'commander';
import { AwsAccount } from '../aws/aws-account.ts';
import { classified } from '../aws/aws-errors.ts';
import { databaseNames } from '../core/contracts/database-names.ts';
import { outgoingConfiguration, type SyncConfiguration } from '../core/mapping/configuration.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { type Recovery, recoverSlot } from '../steps/slot-recovery/slot-recovery.ts';
import { type AwsOptions, databaseOf, findSurroundings, withAwsOptions } from './surroundings.ts';
import { plural, processTerminal, progressBar } from './terminal.ts';

interface RecoverOptions extends AwsOptions {
  readonly slot: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly compare?: boolean;
}

export function addRecoverSlotCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  withAwsOptions(program.command('recover-slot'), deployment)
    .description(
      'Makes a missing or lost replication slot anew, and compares all rows with what was last agreed, so that changes made in between go to Salesforce. After an interruption it goes on.',
    )
    .addOption(new Option('--slot <name>', 'name of the replication slot').default(databaseNames(deployment).slot))
    .option('--dry-run', 'print the SQL and change nothing')
    .addOption(new Option('--force', 'make it anew although it looks healthy').conflicts('compare'))
    .option('--compare', 'leave the slot alone and only compare: when the publication lacked a table for a while')
    .action(async ({ slot, dryRun = false, force = false, compare = false, ...options }: RecoverOptions) => {
      const terminal = processTerminal;
      const surroundings = await findSurroundings(options);
      const recovery = await withDatabase(
        databaseOf(surroundings),
        (client) =>
          recoverSlot(client, outgoingConfiguration(configuration), {
            slot,
            dryRun,
            slotIs: force ? 'anew' : compare ? 'left alone' : 'anew if need be',
            log: (line) => terminal.print(line),
            progress: ({ object, looked, all, marked }) =>
              terminal.progress(`${progressBar(looked, all)} ${object}: ${marked} due`),
          }),
        deployment,
      );
      for (const line of describeRecovery(recovery, slot, dryRun)) terminal.print(line);
      const objects = configuration.objects.map(({ object }) => object);
      const due = dryRun ? [] : dueObjects(recovery, objects);
      const aws = new AwsAccount({ connection: surroundings.aws, stackName: options.stack, name: deployment });
      if (due.length > 0) terminal.print(await announceDue(aws, due));
    });
}

/** Objects of which something is due. An interrupted run has not announced what it had found. */
export function dueObjects({ resumed, marked }: Recovery, objects: readonly string[]): string[] {
  return objects.filter((object) => resumed || (marked.get(object) ?? 0) > 0);
}

/**
 * Has the objects taken up at once; answers the line to print. The operator of the database need not have a way to AWS: the schedule
 * takes up what is due all the same.
 */
export async function announceDue(aws: Pick<AwsAccount, 'announce'>, objects: readonly string[]): Promise<string> {
  try {
    await aws.announce(objects);
    return `announced: ${objects.join(', ')}; what is due goes to Salesforce now`;
  } catch (error) {
    const { name, message } = classified(error);
    return `could not be announced (${name}: ${message}); what is due goes to Salesforce by the schedule, within five minutes`;
  }
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
    ...(due.length > 0 ? [] : ['nothing was changed in that time']),
  ];
}
