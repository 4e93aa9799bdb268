/** The commands under `sfsync redrive`. Each may be repeated: what is done already is not done twice. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AwsAccount } from '../../aws/aws-account.ts';
import { PIPELINES, type Pipeline } from '../../core/contracts/dead-letters.ts';
import { mappingOf, outgoingConfiguration, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import { toId18 } from '../../core/mapping/salesforce-id.ts';
import type { RejectSelection } from '../../postgres/ledger/open-rejects.ts';
import { withDatabase } from '../../postgres/session/administration.ts';
import type { Operator } from '../operator.ts';
import { type AwsOptions, databaseOf, findSurroundings, type Surroundings, withAwsOptions } from '../surroundings.ts';
import { processTerminal } from '../terminal.ts';
import { redriveChanges } from './changes.ts';
import { redriveEvents } from './events.ts';
import { redriveExecutions } from './executions.ts';
import { redriveRejects } from './rejects.ts';

interface RedriveOptions extends AwsOptions {
  readonly dryRun?: boolean;
}

export function addRedriveCommands(program: Command, configuration: SyncConfiguration, deployment: string): void {
  // Read-only objects have no change queue.
  const published = outgoingConfiguration(configuration);
  const redrive = program
    .command('redrive')
    .description('Tries failed work again. Redriving late is safe: nothing newer is undone.')
    .addHelpText('after', '\nExit code 0: nothing is left; 1: something is, and is listed; 2: it could not be done.');

  redriving(redrive.command('changes'), deployment)
    .description('Dead letters of the change queues go back to their queues. Do this when the cause is mended.')
    .addOption(objectOption(published))
    .action((options: RedriveOptions & { object?: string }) =>
      work(deployment, options, (operator) => redriveChanges(operator, chosenObjects(published, options.object))),
    );

  redriving(redrive.command('executions'), deployment)
    .description('Failed executions go on in the state where they failed, which Step Functions allows for 14 days.')
    .addOption(new Option('--pipeline <pipeline>', 'of this pipeline only').choices(PIPELINES))
    .option('--again', 'start executions anew that cannot be redriven, with the same input: files of records', false)
    .option(
      '--discard <execution...>',
      'remove the messages of these executions (name or ARN), leave them be, and redrive none',
      [],
    )
    .action((options: RedriveOptions & { pipeline?: Pipeline; again: boolean; discard: string[] }) =>
      work(deployment, options, (operator) => {
        const pipelines = options.pipeline === undefined ? PIPELINES : [options.pipeline];
        return redriveExecutions(operator, pipelines, options);
      }),
    );

  redriving(redrive.command('events'), deployment)
    .description('Events and notices that were not delivered are delivered now.')
    .action((options: RedriveOptions) => work(deployment, options, redriveEvents));

  redriving(redrive.command('rejects'), deployment)
    .description('Rejected records are looked at afresh, from both sides. `sfsync rejects` lists them.')
    .addOption(objectOption(configuration))
    .addOption(
      new Option('--direction <direction>', 'of this direction only').choices(['to-postgres', 'to-salesforce']),
    )
    .addOption(new Option('--id <id...>', 'these only: ids of rejects, or Salesforce ids').argParser(collectIds))
    .action((options: RedriveOptions & RejectSelection & { id?: RejectIds }) =>
      work(deployment, options, (operator, surroundings) => {
        const { object, direction, id } = options;
        const selection: RejectSelection = { object, direction, ...id };
        return withDatabase(
          databaseOf(surroundings),
          (session) => redriveRejects(operator, session, configuration, selection),
          deployment,
        );
      }),
    );
}

function redriving(command: Command, deployment: string): Command {
  return withAwsOptions(command.option('--dry-run', 'show what would be done, and do nothing'), deployment);
}

async function work(
  deployment: string,
  options: RedriveOptions,
  redrive: (operator: Operator, surroundings: Surroundings) => Promise<number>,
): Promise<void> {
  const surroundings = await findSurroundings(options);
  process.stderr.write(`on ${surroundings.name}, stack ${options.stack}\n`);
  const aws = new AwsAccount({ connection: surroundings.aws, stackName: options.stack, name: deployment });
  const operator = { aws, terminal: processTerminal, dryRun: options.dryRun === true };
  if ((await redrive(operator, surroundings)) > 0) process.exitCode = 1;
}

/** Refuses an object that is not mapped, with the names of those that are. */
export function objectOption(configuration: SyncConfiguration): Option {
  return new Option('--object <object>', 'of this object only').choices(
    configuration.objects.map(({ object }) => object),
  );
}

function chosenObjects(configuration: SyncConfiguration, object: string | undefined): string[] {
  const chosen = object === undefined ? configuration.objects : [mappingOf(configuration, object)];
  return chosen.map((mapping) => mapping.object);
}

interface RejectIds {
  readonly ids: readonly string[];
  readonly salesforceIds: readonly string[];
}

/** Digits are the id of a reject, 15 or 18 characters with letters that of a record. Throws InvalidArgumentError. */
export function collectIds(text: string, before?: RejectIds): RejectIds {
  const { ids, salesforceIds } = before ?? { ids: [], salesforceIds: [] };
  if (/^[1-9]\d{0,13}$/.test(text)) return { ids: [...ids, text], salesforceIds };
  const id = toId18(text);
  if (id !== undefined) return { ids, salesforceIds: [...salesforceIds, id] };
  throw new InvalidArgumentError('Give the number of a reject, as `sfsync rejects` lists it, or a Salesforce id.');
}
