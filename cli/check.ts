/** `sfsync check`: how the pipelines stand, and what no longer fits sync.config.ts. */
import type { Command } from 'commander';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { readDatabaseStatus } from '../postgres/prepare/status.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { describeDrift, findDrift } from './drift.ts';
import { describeStatus } from './report.ts';
import { findSalesforce, isSalesforceKnown, type SalesforceOptions, withSalesforceOptions } from './salesforce.ts';
import { type SlotOptions, withSlotOption } from './slot.ts';
import { databaseOf, findSurroundings, withDatabaseOptions } from './surroundings.ts';
import { processTerminal } from './terminal.ts';

export function addCheckCommand(program: Command, configuration: SyncConfiguration, deployment: string): void {
  withSalesforceOptions(withSlotOption(withDatabaseOptions(program.command('check')), deployment))
    .description(
      'Shows the slot, what is due, open circuits, conflicts and rejected records, and what no longer fits sync.config.ts; exit code 1: look at it.',
    )
    .action(async (options: SlotOptions & SalesforceOptions) => {
      const print = (line: string) => processTerminal.print(line);
      const surroundings = await findSurroundings(options);
      const org = isSalesforceKnown(surroundings, options) ? () => findSalesforce(surroundings, options) : undefined;
      await withDatabase(
        databaseOf(surroundings),
        async (client) => {
          const status = await readDatabaseStatus(client, configuration, options.slot);
          const { lines, faults } = describeStatus(status, options.slot);
          for (const line of lines) print(line);
          for (const fault of faults) print(`! ${fault}`);
          const drifts = await findDrift(client, org, configuration, options.slot);
          for (const line of describeDrift(drifts)) print(line);
          if (org === undefined) print('Salesforce was not looked at: no org was named (--salesforce-secret)');
          if (faults.length > 0 || drifts.some(({ kind }) => kind === 'broken')) process.exitCode = 1;
        },
        deployment,
      );
    });
}
