/** `sfsync load`: the first load of an object. */
import { type Command, InvalidArgumentError } from 'commander';
import { needsKey } from '../core/agreement/first-load.ts';
import { ConfigurationError } from '../core/errors.ts';
import { mappingOf, type SyncConfiguration } from '../core/mapping/configuration.ts';
import { requireOrg } from '../postgres/ledger/org.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { compareSides, type FirstLoad } from '../steps/first-load/compare.ts';
import { linkSides } from '../steps/first-load/link.ts';
import { describeLoad, describeResult, isClean, keyNeeded } from './load-report.ts';
import { findSalesforce, type SalesforceOptions, withSalesforceOptions } from './salesforce.ts';
import { type DatabaseOptions, databaseOf, findSurroundings, withDatabaseOptions } from './surroundings.ts';
import { processTerminal, progressBar, type Terminal } from './terminal.ts';

/** What stands in the rejects in place of an execution and of a file's key. */
const EXECUTION = 'sfsync load';

interface LoadOptions extends DatabaseOptions, SalesforceOptions {
  readonly object: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly withoutKey?: boolean;
}

export function addLoadCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  const known = configuration.objects.map(({ object }) => object);
  withSalesforceOptions(withDatabaseOptions(program.command('load')))
    .description(
      'First load: links the records and rows of an object that both have data already, by Salesforce id and by the key that matchBy names. May be stopped and run again, and runs beside the pipelines.',
    )
    .requiredOption('--object <object>', `one of ${known.join(', ')}; parents before children`, (object: string) => {
      if (known.includes(object)) return object;
      throw new InvalidArgumentError(`Mapped are ${known.join(', ')}.`);
    })
    .option('--dry-run', 'show what would be linked, and write nothing')
    .option('--json', 'as one JSON object')
    .option('--without-key', 'go on without a key although rows without a record might belong to records without a row')
    .addHelpText(
      'after',
      '\nExit code 0: all is clear; 1: something is ambiguous or was refused; 2: it could not be done.',
    )
    .action(async (options: LoadOptions) => {
      const surroundings = await findSurroundings(options);
      const connection = await findSalesforce(surroundings, options);
      process.stderr.write(`on ${surroundings.name}, org ${connection.instanceUrl}\n`);
      const mapping = mappingOf(configuration, options.object);
      const clean = await withDatabase(
        databaseOf(surroundings),
        async (session) => {
          if (options.dryRun !== true) await requireOrg(session, connection.organizationId);
          return load({ session, connection, configuration, mapping, execution: EXECUTION }, options, processTerminal);
        },
        deployment,
      );
      if (!clean) process.exitCode = 1;
    });
}

async function load(
  sides: Omit<FirstLoad, 'progress'>,
  { dryRun = false, json = false, withoutKey = false }: LoadOptions,
  terminal: Terminal,
): Promise<boolean> {
  const progress: FirstLoad['progress'] = (step, done, all) =>
    terminal.progress(`${progressBar(done, all)} ${step}: ${done} of ${Math.max(done, all)}`);
  const first: FirstLoad = { ...sides, progress };
  try {
    const report = await compareSides(first);
    if (!json) for (const line of describeLoad(report)) terminal.print(line);
    if (!dryRun && !withoutKey && needsKey(report.counts, report.matchBy)) {
      throw new ConfigurationError('NO_KEY', `Nothing was written: ${keyNeeded(report)}.`);
    }
    const result = dryRun ? undefined : await linkSides(first, report);
    if (json) terminal.print(JSON.stringify({ ...report, dryRun, result }, undefined, 2));
    else for (const line of result === undefined ? [DRY] : describeResult(report, result)) terminal.print(line);
    return isClean(report, result);
  } finally {
    terminal.progress(undefined);
  }
}

const DRY = 'dry run: nothing was written';
