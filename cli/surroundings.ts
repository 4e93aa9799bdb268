/** Which database and which AWS a command works on: those of a local run, or those of an account. Never one of each. */
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AwsConnection } from '../aws/aws-connection.ts';
import { readLocalEndpoints } from '../aws/local-endpoints.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SalesforceCredentials } from '../salesforce/connection.ts';

/** Where `npm start` leaves it, seen from the project's root. */
const LOCAL_ENDPOINTS = join('.local', 'endpoints.json');

export interface DatabaseOptions {
  readonly databaseUrl?: string;
  /** false: a local run is none of this command's business. */
  readonly endpoints?: string | boolean;
}

export interface AwsOptions extends DatabaseOptions {
  readonly stack: string;
  readonly region?: string;
}

export interface Surroundings {
  /** What the operator reads. */
  readonly name: string;
  readonly aws: AwsConnection;
  readonly databaseUrl: string | undefined;
  /** Of the local run's org; for an account it is the command's business to find them. */
  readonly salesforce: SalesforceCredentials | undefined;
}

export function withDatabaseOptions(command: Command): Command {
  return command
    .addOption(new Option('--database-url <url>', 'postgres://user:password@host:5432/name').env('DATABASE_URL'))
    .option('--endpoints <file>', `work on the local run that wrote this file (default: ${LOCAL_ENDPOINTS}, if there)`)
    .option('--no-endpoints', 'work on an AWS account, also while a local run is up');
}

/** A stack is usually called as its deployment. */
export function withStackOption(command: Command, deployment: string): Command {
  return command.addOption(
    new Option('--stack <name>', 'the CloudFormation stack').default(deployment).env('SFSYNC_STACK'),
  );
}

export function withAwsOptions(command: Command, deployment: string): Command {
  return withStackOption(withDatabaseOptions(command), deployment).addOption(
    new Option('--region <region>', 'its region (default: as the AWS CLI finds it)').env('AWS_REGION'),
  );
}

/**
 * A local run is meant when its file is named, or is there and nothing else is: a database URL that is not the local run's
 * means an account. Throws ConfigurationError when the named file does not exist.
 */
export async function findSurroundings(
  { endpoints, databaseUrl, region }: DatabaseOptions & { readonly region?: string },
  directory: string = process.cwd(),
): Promise<Surroundings> {
  const given = databaseUrl === '' ? undefined : databaseUrl;
  const named = typeof endpoints === 'string' ? endpoints : undefined;
  const file = resolve(directory, named ?? LOCAL_ENDPOINTS);
  const local = endpoints === false ? undefined : await readLocalEndpoints(file);
  if (named !== undefined && local === undefined) {
    throw new ConfigurationError('ENDPOINTS', `There is no ${file}: is the local run up (\`npm start\`)?`);
  }
  if (local === undefined || (named === undefined && given !== undefined && given !== local.postgres.url)) {
    const where = region === undefined ? 'the AWS account' : `the AWS account in ${region}`;
    return {
      name: where,
      aws: region === undefined ? {} : { region },
      databaseUrl: given,
      salesforce: undefined,
    };
  }
  const { endpoint, region: localRegion, accessKeyId, secretAccessKey } = local.aws;
  return {
    name: `the local run at ${endpoint}`,
    aws: { endpoint, region: localRegion, credentials: { accessKeyId, secretAccessKey } },
    databaseUrl: local.postgres.url,
    salesforce: local.salesforce,
  };
}

/** Throws ConfigurationError when no database is known. */
export async function findDatabase(options: DatabaseOptions, directory?: string): Promise<string> {
  return databaseOf(await findSurroundings(options, directory));
}

export function databaseOf({ databaseUrl }: Surroundings): string {
  if (databaseUrl !== undefined) return databaseUrl;
  throw new ConfigurationError('NO_DATABASE_URL', 'Which database? Give --database-url or set DATABASE_URL.');
}
