#!/usr/bin/env node
/** The command line: `sfsync prepare` makes what the database needs, `sfsync check` tells how it stands. */
import { Command, Option } from 'commander';
import { withDatabase } from '../adapters/postgres/administration.ts';
import { prepareDatabase } from '../adapters/postgres/prepare.ts';
import { readDatabaseStatus } from '../adapters/postgres/status.ts';
import { SLOT } from '../core/database-names.ts';
import { ConfigurationError, SyncError } from '../core/errors.ts';
import configuration from '../sync.config.ts';
import { describePreparation, describeStatus } from './report.ts';

interface DatabaseOptions {
  readonly databaseUrl?: string;
  readonly slot: string;
}

interface PrepareCommandOptions extends DatabaseOptions {
  readonly dryRun?: boolean;
  readonly streamerPassword?: string;
  readonly applyPassword?: string;
}

const program = new Command('sfsync').description('Keeps Salesforce and PostgreSQL in step.').showHelpAfterError();

database(program.command('prepare'))
  .description('Makes schema, roles, publication, slot, origins and grants; a second run changes nothing.')
  .option('--dry-run', 'print the SQL and change nothing')
  .addOption(
    new Option('--streamer-password <password>', "the streamer role's password").env('SFSYNC_STREAMER_PASSWORD'),
  )
  .addOption(new Option('--apply-password <password>', "the Lambdas' role's password").env('SFSYNC_APPLY_PASSWORD'))
  .action(async (options: PrepareCommandOptions) => {
    const { dryRun = false, slot } = options;
    const prepared = await withDatabase(urlOf(options), (client) =>
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

database(program.command('check'))
  .description('Shows the slot, what is due, open circuits, conflicts and rejected records; exit code 1: look at it.')
  .action(async (options: DatabaseOptions) => {
    const status = await withDatabase(urlOf(options), (client) =>
      readDatabaseStatus(client, configuration, options.slot),
    );
    const { lines, faults } = describeStatus(status, options.slot);
    for (const line of lines) print(line);
    for (const fault of faults) print(`! ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  });

function database(command: Command): Command {
  return command
    .addOption(new Option('--database-url <url>', 'postgres://user:password@host:5432/name').env('DATABASE_URL'))
    .addOption(new Option('--slot <name>', 'name of the replication slot, unique on the server').default(SLOT));
}

function urlOf({ databaseUrl }: DatabaseOptions): string {
  if (databaseUrl !== undefined && databaseUrl !== '') return databaseUrl;
  throw new ConfigurationError('NO_DATABASE_URL', 'Which database? Give --database-url or set DATABASE_URL.');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await program.parseAsync();
} catch (error) {
  // A fault that has an answer is told in its own words; anything else is a bug, and needs its stack.
  process.stderr.write(`${error instanceof SyncError ? error.message : (error as Error).stack}\n`);
  process.exitCode = 2;
}
