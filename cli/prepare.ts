/** `sfsync prepare`: makes what the database needs. */
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { prepareDatabase } from '../postgres/prepare/prepare.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { describePreparation } from './report.ts';
import { type SlotOptions, withSlotOption } from './slot.ts';
import { findDatabase, withDatabaseOptions } from './surroundings.ts';
import { processTerminal } from './terminal.ts';

interface PrepareOptions extends SlotOptions {
  readonly dryRun?: boolean;
  readonly streamerPassword?: string;
  readonly applyPassword?: string;
  readonly changePasswords?: boolean;
}

function isAttended(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Roles belong to the whole server. */
async function ask(changes: readonly string[]): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (const change of changes) process.stderr.write(`! ${change}\n`);
    return /^y(es)?$/i.test((await terminal.question('Change it? Nothing was changed so far. [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

export function addPrepareCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  withSlotOption(withDatabaseOptions(program.command('prepare')), deployment)
    .description('Makes schema, roles, publication, slot, origins and grants; a second run changes nothing.')
    .option('--dry-run', 'print the SQL and change nothing')
    .addOption(
      new Option('--streamer-password <password>', "the streamer role's password").env('SFSYNC_STREAMER_PASSWORD'),
    )
    .addOption(new Option('--apply-password <password>', "the Lambdas' role's password").env('SFSYNC_APPLY_PASSWORD'))
    .option('--change-passwords', 'of roles that exist, also where other databases of the server use them')
    .action(async (options: PrepareOptions) => {
      const { dryRun = false, slot } = options;
      const print = (line: string) => processTerminal.print(line);
      const prepared = await withDatabase(
        await findDatabase(options),
        (client) =>
          prepareDatabase(client, configuration, {
            passwords: { streamer: options.streamerPassword, apply: options.applyPassword },
            dryRun,
            slot,
            log: print,
            mayChangePasswords: options.changePasswords === true || (isAttended() && ask),
          }),
        deployment,
      );
      // The SQL of a dry run goes to a file or to psql, so everything else must be a comment.
      for (const line of describePreparation(prepared)) print(dryRun ? `-- ${line}` : line);
    });
}
