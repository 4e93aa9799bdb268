#!/usr/bin/env node
/**
 * The command line: `sfsync prepare` makes what the database needs, `sfsync load` links what both sides have already,
 * `sfsync check` tells how it stands, `sfsync rejects` and `sfsync conflicts` list what people have to look at, `sfsync
 * redrive` tries again what nobody could handle, `sfsync release` lets deletes go that the guard holds.
 */
import { Command, Option } from 'commander';
import configuration from '#sync.config';
import { classified } from '../aws/aws-errors.ts';
import { SLOT } from '../core/contracts/database-names.ts';
import { RetryableError, SyncError } from '../core/errors.ts';
import { readDatabaseStatus } from '../postgres/ledger/status.ts';
import { prepareDatabase } from '../postgres/prepare/prepare.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { describeDrift, findDrift } from './drift.ts';
import { addListings } from './listings.ts';
import { addLoadCommand } from './load.ts';
import { addRecoverSlotCommand } from './recover-slot.ts';
import { addRedriveCommands } from './redrive.ts';
import { addReleaseCommand } from './release.ts';
import { describePreparation, describeStatus } from './report.ts';
import { findSalesforce, isSalesforceKnown, type SalesforceOptions, withSalesforceOptions } from './salesforce.ts';
import {
  type DatabaseOptions,
  databaseOf,
  findDatabase,
  findSurroundings,
  withDatabaseOptions,
} from './surroundings.ts';

interface SlotOptions extends DatabaseOptions {
  readonly slot: string;
}

interface PrepareCommandOptions extends SlotOptions {
  readonly dryRun?: boolean;
  readonly streamerPassword?: string;
  readonly applyPassword?: string;
}

/** 1 is said by commands that found something to look at. */
const FAILED = 2;

const program = new Command('sfsync')
  .description('Keeps Salesforce and PostgreSQL in step.')
  .showHelpAfterError()
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED));

database(program.command('prepare'))
  .description('Makes schema, roles, publication, slot, origins and grants; a second run changes nothing.')
  .option('--dry-run', 'print the SQL and change nothing')
  .addOption(
    new Option('--streamer-password <password>', "the streamer role's password").env('SFSYNC_STREAMER_PASSWORD'),
  )
  .addOption(new Option('--apply-password <password>', "the Lambdas' role's password").env('SFSYNC_APPLY_PASSWORD'))
  .action(async (options: PrepareCommandOptions) => {
    const { dryRun = false, slot } = options;
    const prepared = await withDatabase(await findDatabase(options), (client) =>
      prepareDatabase(client, configuration, {
        passwords: { streamer: options.streamerPassword, apply: options.applyPassword },
        dryRun,
        slot,
        log: print,
      }),
    );
    // The SQL of a dry run goes to a file or to psql, so everything else must be a comment.
    for (const line of describePreparation(prepared)) print(dryRun ? `-- ${line}` : line);
  });

withSalesforceOptions(database(program.command('check')))
  .description(
    'Shows the slot, what is due, open circuits, conflicts and rejected records, and what no longer fits sync.config.ts; exit code 1: look at it.',
  )
  .action(async (options: SlotOptions & SalesforceOptions) => {
    const surroundings = await findSurroundings(options);
    const org = isSalesforceKnown(surroundings, options) ? () => findSalesforce(surroundings, options) : undefined;
    await withDatabase(databaseOf(surroundings), async (client) => {
      const { lines, faults } = describeStatus(
        await readDatabaseStatus(client, configuration, options.slot),
        options.slot,
      );
      for (const line of lines) print(line);
      for (const fault of faults) print(`! ${fault}`);
      const drifts = await findDrift(client, org, configuration, options.slot);
      for (const line of describeDrift(drifts)) print(line);
      if (org === undefined) print('Salesforce was not looked at: nobody has said which org (--salesforce-secret)');
      if (faults.length > 0 || drifts.some(({ kind }) => kind === 'broken')) process.exitCode = 1;
    });
  });

addLoadCommand(program, configuration);
addListings(program, configuration, print);
addRedriveCommands(program, configuration);
addRecoverSlotCommand(program, configuration);
addReleaseCommand(program, configuration);

function database(command: Command): Command {
  return withDatabaseOptions(command).addOption(
    new Option('--slot <name>', 'name of the replication slot, unique on the server').default(SLOT),
  );
}

/** A fault that has an answer is told in its own words; anything else is a bug, and needs its stack. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = error instanceof SyncError || '$fault' in error || classified(error) instanceof RetryableError;
  return known ? classified(error).message : (error.stack ?? error.message);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${told(error)}\n`);
  process.exitCode = FAILED;
}
