/** `sfsync check`: how the pipelines stand, and what no longer fits sync.config.ts. */
import type { Command } from 'commander';
import { AwsAccount } from '../../aws/aws-account.ts';
import { classified } from '../../aws/aws-errors.ts';
import { type DeploymentStatus, readDeploymentStatus } from '../../aws/pipelines.ts';
import { InvariantError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { readDatabaseStatus } from '../../postgres/prepare/status.ts';
import { withDatabase } from '../../postgres/session/administration.ts';
import { describeStatus } from '../report.ts';
import { findSalesforce, isSalesforceKnown, type SalesforceOptions, withSalesforceOptions } from '../salesforce.ts';
import { type SlotOptions, withSlotOption } from '../slot.ts';
import {
  databaseOf,
  findSurroundings,
  type Surroundings,
  withDatabaseOptions,
  withStackOption,
} from '../surroundings.ts';
import { processTerminal } from '../terminal.ts';
import { describeDeployment } from './deployment-report.ts';
import { describeDrift, findDrift } from './drift.ts';

type CheckOptions = SlotOptions & SalesforceOptions & { readonly stack: string; readonly json?: boolean };

export function addCheckCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  const command = withStackOption(withDatabaseOptions(program.command('check')), deployment);
  withSalesforceOptions(withSlotOption(command, deployment))
    .description(
      'Shows the slot, what is due, what waits in queues, the flows, open circuits, conflicts and rejected records, and what no longer fits sync.config.ts.',
    )
    .option('--json', 'as one JSON document')
    .addHelpText('after', '\nExit code 0: nothing to do; 1: look at it; 2: it could not be done.')
    .action(async (options: CheckOptions) => {
      const surroundings = await findSurroundings(options);
      const org = isSalesforceKnown(surroundings, options) ? () => findSalesforce(surroundings, options) : undefined;
      await withDatabase(
        databaseOf(surroundings),
        async (client) => {
          const database = await readDatabaseStatus(client, configuration, options.slot);
          const deployed = await lookAtDeployment(surroundings, options.stack, deployment, configuration);
          const drifts = await findDrift(client, org, configuration, options.slot);
          const inDatabase = describeStatus(database, options.slot);
          const inAws =
            'status' in deployed ? describeDeployment(deployed.status, database.objects, Date.now()) : undefined;
          const faults = [...inDatabase.faults, ...(inAws?.faults ?? [])];
          const notLookedAt = [
            ...('status' in deployed ? [] : [`AWS was not looked at: ${deployed.why}`]),
            ...(org === undefined ? ['Salesforce was not looked at: no org was named (--salesforce-secret)'] : []),
          ];
          if (faults.length > 0 || drifts.some(({ kind }) => kind === 'broken')) process.exitCode = 1;
          if (options.json === true) {
            const pipelines = 'status' in deployed ? deployed.status : null;
            processTerminal.print(JSON.stringify({ database, pipelines, faults, drifts, notLookedAt }, undefined, 2));
            return;
          }
          const lines = [...inDatabase.lines, ...(inAws?.lines ?? []), ...faults.map((fault) => `! ${fault}`)];
          for (const line of [...lines, ...describeDrift(drifts), ...notLookedAt]) processTerminal.print(line);
        },
        deployment,
      );
    });
}

/** An operator who may look into the database need not be let into AWS. */
async function lookAtDeployment(
  { aws }: Surroundings,
  stackName: string,
  name: string,
  { objects }: SyncConfiguration,
): Promise<{ readonly status: DeploymentStatus } | { readonly why: string }> {
  try {
    return { status: await readDeploymentStatus(new AwsAccount({ connection: aws, stackName, name }), objects) };
  } catch (error) {
    const known = classified(error);
    if (known instanceof InvariantError) throw error;
    return { why: known.message };
  }
}
