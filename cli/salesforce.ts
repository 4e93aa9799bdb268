/** Which org a command works on: that of the local run, or the one that a secret or the environment names. */
import { type Command, Option } from 'commander';
import {
  connectSalesforce,
  type SalesforceConnection,
  salesforceCredentials,
} from '../adapters/salesforce/connection.ts';
import { readSecret } from '../adapters/secrets.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { Surroundings } from './surroundings.ts';

export interface SalesforceOptions {
  readonly salesforceSecret?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const MEMBERS = {
  instanceUrl: 'SALESFORCE_INSTANCE_URL',
  clientId: 'SALESFORCE_CLIENT_ID',
  clientSecret: 'SALESFORCE_CLIENT_SECRET',
  refreshToken: 'SALESFORCE_REFRESH_TOKEN',
} as const;

export function withSalesforceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--salesforce-secret <id>',
        "the stack's SalesforceSecretArn; or set SALESFORCE_INSTANCE_URL, ...",
      ).env('SALESFORCE_SECRET_ARN'),
    )
    .addHelpText(
      'after',
      `\nThe org is that of the local run, of the secret, or of these variables:\n  ${Object.values(MEMBERS).join('\n  ')} (for the refresh token flow only)`,
    );
}

/** A local run has its own org, and no other. Throws ConfigurationError when no org is known, and SyncErrors when it does not let us in. */
export async function findSalesforce(
  { aws, salesforce }: Surroundings,
  { salesforceSecret }: SalesforceOptions,
  environment: Environment = process.env,
): Promise<SalesforceConnection> {
  if (salesforce !== undefined) return connectSalesforce(salesforce);
  if (salesforceSecret !== undefined && salesforceSecret !== '') {
    return connectSalesforce(await readSecret(salesforceSecret, salesforceCredentials, aws));
  }
  const given = Object.entries(MEMBERS).flatMap(([member, variable]) => {
    const value = environment[variable];
    return value === undefined || value === '' ? [] : [[member, value] as const];
  });
  const parsed = salesforceCredentials.safeParse(Object.fromEntries(given));
  if (parsed.success) return connectSalesforce(parsed.data);
  const faults = parsed.error.issues.map(({ path }) => MEMBERS[path[0] as keyof typeof MEMBERS]).join(', ');
  throw new ConfigurationError(
    'NO_SALESFORCE',
    `Which org? Give --salesforce-secret, or set what is missing or no URL: ${faults}.`,
  );
}
