/** Which org a command works on: that of the local run, or the one that a secret or the environment names. */
import { type Command, Option } from 'commander';
import type { AwsConnection } from '../aws/aws-connection.ts';
import { classified } from '../aws/aws-errors.ts';
import { readSecret } from '../aws/secrets.ts';
import { ConfigurationError } from '../core/errors.ts';
import {
  connectSalesforce,
  type SalesforceConnection,
  type SalesforceCredentials,
  salesforceCredentials,
} from '../salesforce/connection.ts';
import type { Surroundings } from './surroundings.ts';

export interface SalesforceOptions {
  readonly salesforceSecret?: string;
  /** Of the secret. */
  readonly region?: string;
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
    .addOption(new Option('--region <region>', 'of the secret').env('AWS_REGION'))
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

/** Whether an org was named: by a local run, a secret, or any of the variables. */
export function isSalesforceKnown(
  { salesforce }: Surroundings,
  { salesforceSecret }: SalesforceOptions,
  environment: Environment = process.env,
): boolean {
  return salesforce !== undefined || isGiven(salesforceSecret) || Object.keys(membersOf(environment)).length > 0;
}

function membersOf(environment: Environment): Readonly<Record<string, string>> {
  const given = Object.entries(MEMBERS).flatMap(([member, variable]) => {
    const value = environment[variable];
    return isGiven(value) ? [[member, value] as const] : [];
  });
  return Object.fromEntries(given);
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/**
 * A local run has its own org, and no other. Throws ConfigurationError when no org is known, and SyncErrors when it
 * does not let us in.
 */
export async function findSalesforce(
  { aws, salesforce }: Surroundings,
  { salesforceSecret }: SalesforceOptions,
  environment: Environment = process.env,
): Promise<SalesforceConnection> {
  if (salesforce !== undefined) return connectSalesforce(salesforce);
  if (isGiven(salesforceSecret)) {
    return connectSalesforce(await secretOf(salesforceSecret, aws));
  }
  const parsed = salesforceCredentials.safeParse(membersOf(environment));
  if (parsed.success) return connectSalesforce(parsed.data);
  const faults = parsed.error.issues.map(({ path }) => MEMBERS[path[0] as keyof typeof MEMBERS]).join(', ');
  throw new ConfigurationError(
    'NO_SALESFORCE',
    `Which org? Give --salesforce-secret, or set what is missing or no URL: ${faults}.`,
  );
}

async function secretOf(secretId: string, aws: AwsConnection): Promise<SalesforceCredentials> {
  try {
    return await readSecret(secretId, salesforceCredentials, aws);
  } catch (error) {
    throw classified(error);
  }
}
