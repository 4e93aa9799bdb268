/** `sfsync release`: a person says what becomes of deletes that the guard holds. */
import { createInterface } from 'node:readline/promises';
import { Argument, type Command } from 'commander';
import { AwsAccount } from '../aws/aws-account.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { type HeldDeletes, readHeld } from '../postgres/ledger/held-deletes.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import type { Session } from '../postgres/session/connection.ts';
import { releaseHeld, restoreHeld } from '../steps/delete-guard.ts';
import type { Operator } from './operator.ts';
import { type AwsOptions, databaseOf, findSurroundings, withAwsOptions } from './surroundings.ts';
import { plural, processTerminal } from './terminal.ts';

interface ReleaseOptions extends AwsOptions {
  readonly restore?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addReleaseCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  withAwsOptions(program.command('release'), deployment)
    .description('Sends the deletes of an object that the guard against delete storms holds, or brings the rows back.')
    .addArgument(new Argument('<object>').choices(configuration.objects.map(({ object }) => object)))
    .option('--restore', 'the deletes were a mistake: make the rows anew from what Salesforce holds', false)
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what would be done, and do nothing')
    .action(async (object: string, options: ReleaseOptions) => {
      const surroundings = await findSurroundings(options);
      process.stderr.write(`on ${surroundings.name}, stack ${options.stack}\n`);
      const aws = new AwsAccount({ connection: surroundings.aws, stackName: options.stack, name: deployment });
      const operator = { aws, terminal: processTerminal, dryRun: options.dryRun === true };
      const agree = options.yes === true ? async () => true : askPerson;
      await withDatabase(
        databaseOf(surroundings),
        async (session) => {
          if (!(await release(operator, session, object, options.restore === true, agree))) process.exitCode = 1;
        },
        deployment,
      );
    });
}

/** Answers whether nothing is held any more. `agree` asks the operator. */
export async function release(
  { aws, terminal, dryRun }: Operator,
  session: Session,
  object: string,
  restore: boolean,
  agree: (question: string) => Promise<boolean>,
): Promise<boolean> {
  const held = await readHeld(session, object);
  if (held.count === 0) {
    // After a storm whose rows are all back the next ordinary deletes would be held until the window has passed.
    if (!dryRun) await releaseHeld(session, object);
    terminal.print(`no deletes of ${object} are held${dryRun ? '' : '; counting begins anew'}`);
    return true;
  }
  for (const line of described(object, held)) terminal.print(line);
  const records = plural(held.count, 'record');
  const what = restore
    ? `${records}: the rows are made anew under their keys from what Salesforce holds; columns that it does not have get their defaults`
    : `${records} would be deleted in Salesforce`;
  if (dryRun) {
    terminal.print(what);
    return false;
  }
  if (!(await agree(`${what}. Go on?`))) {
    terminal.print('nothing was done');
    return false;
  }
  const count = await (restore ? restoreHeld : releaseHeld)(session, object);
  await aws.announce([object]);
  terminal.print(
    `${object}: ${plural(count, 'delete')} ${restore ? 'dropped; the rows come back with the next executions' : 'released; the next executions send them'}`,
  );
  return true;
}

function described(object: string, { count, sample }: HeldDeletes): string[] {
  const shown = sample.map(({ salesforceId, rowKey }) => `  ${salesforceId}  key ${rowKey ?? '-'}`);
  return [
    `${object}: ${plural(count, 'delete')} held`,
    ...shown,
    ...(count > sample.length ? [`  and ${count - sample.length} more`] : []),
  ];
}

async function askPerson(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new ConfigurationError('NOT_CONFIRMED', `${question} There is no terminal to ask at: give --yes.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
