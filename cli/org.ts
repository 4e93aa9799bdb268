/** `sfsync org`: which org the database is linked with, and an operator's word that it is another one from now on. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../core/errors.ts';
import { acceptOrg, readOrg } from '../postgres/ledger/org.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { findSalesforce, isSalesforceKnown, type SalesforceOptions, withSalesforceOptions } from './salesforce.ts';
import { type DatabaseOptions, databaseOf, findSurroundings, withDatabaseOptions } from './surroundings.ts';
import { processTerminal } from './terminal.ts';

interface OrgOptions extends DatabaseOptions, SalesforceOptions {
  readonly accept?: string;
}

export function addOrgCommand(program: Command, deployment: string): void {
  withSalesforceOptions(withDatabaseOptions(program.command('org')))
    .description('Shows which org the database is linked with; exit code 1: the credentials lead to another one.')
    .addOption(new Option('--accept <id>', 'link with this org from now on').argParser(organizationId))
    .addHelpText(
      'after',
      '\nLinks hold ids of records. In an org that does not have them (a developer sandbox that was refreshed) the records count as deleted,\nand so their rows are deleted, as the mapping says. There begin with a deployment of another name, or empty the tables first.',
    )
    .action(async ({ accept, ...options }: OrgOptions) => {
      const print = (line: string) => processTerminal.print(line);
      const surroundings = await findSurroundings(options);
      const reached = isSalesforceKnown(surroundings, options)
        ? (await findSalesforce(surroundings, options)).organizationId
        : undefined;
      if (accept !== undefined && reached !== undefined && reached !== accept) {
        throw new ConfigurationError('OTHER_ORG', `The credentials lead to org ${reached}, not to ${accept}.`);
      }
      await withDatabase(
        databaseOf(surroundings),
        async (client) => {
          if (accept !== undefined) await acceptOrg(client, accept);
          const linked = await readOrg(client);
          if (linked === undefined) print('linked with no org yet: the first contact decides');
          else print(`linked with org ${linked.id} since ${linked.since.toISOString()}`);
          const other = linked?.other ?? (reached !== linked?.id ? reached : undefined);
          if (linked === undefined || other === undefined) return;
          print(
            `! the secret leads to org ${other}: correct it, or if it is meant run \`sfsync org --accept ${other}\``,
          );
          process.exitCode = 1;
        },
        deployment,
      );
    });
}

function organizationId(text: string): string {
  if (!/^00D\w{12}(\w{3})?$/.test(text)) throw new InvalidArgumentError('An organization id begins with 00D.');
  return text.slice(0, 15);
}
