import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ACCOUNT, REGION, type RunningAws } from '../packages/embedded-aws/embedded-aws.ts';
import { readAssembly } from './host/assembly.ts';
import { deploy } from './host/deployment.ts';
import { resourceMakers } from './host/makers.ts';
import type { ProcessHost } from './host/process-host.ts';
import { CONNECTION_NAME } from './org-connection.ts';

/** What the stack needs to know of its surroundings: where the database and the org are, and who may use them. */
export interface Surroundings {
  /** Owner's URL: host, port and name of the database are taken from it. */
  readonly databaseUrl: string;
  readonly applyPassword: string;
  readonly streamerPassword: string;
  readonly applyRole: string;
  readonly streamerRole: string;
  readonly salesforce: {
    readonly instanceUrl: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly refreshToken: string;
  };
}

const deployedSchema = z.record(
  z.string(),
  z.object({ type: z.string(), ref: z.string(), attributes: z.record(z.string(), z.string()) }),
);

/** Deploys the assembly into the embedded AWS, over what an earlier run deployed. Answers the stack's outputs. */
export async function deployStack(
  running: RunningAws,
  containers: ProcessHost,
  surroundings: Surroundings,
  stateDirectory: string,
): Promise<Readonly<Record<string, string>>> {
  const record = join(stateDirectory, 'deployed.json');
  const makers = resourceMakers((service, operation, input) => running.aws.call(service, operation, input), {
    containers,
    flows: running.appflow,
    functions: {
      register: (settings) => running.lambda.register(settings),
      unregister: async (name) => {
        // Functions are registered at each start: what is not in the template is not there.
        await running.aws.call('lambda', 'DeleteFunction', { FunctionName: name }).catch(ignoreMissing);
      },
    },
    roles: running.iam,
  });
  const assembly = await readAssembly(join(stateDirectory, 'cdk.out'));
  const deployment = await deploy({
    assembly,
    parameters: await parametersOf(running, surroundings),
    makers,
    region: REGION,
    account: ACCOUNT,
    previous: readDeployed(record),
  });
  writeFileSync(record, `${JSON.stringify(deployment.resources, undefined, 2)}\n`);
  const { stackName, template } = assembly;
  running.cloudFormation.set({ name: stackName, description: template.description, outputs: deployment.outputs });
  return deployment.outputs;
}

async function parametersOf(running: RunningAws, given: Surroundings): Promise<Record<string, string>> {
  const { hostname, port, pathname } = new URL(given.databaseUrl);
  const database = { host: hostname, port: Number(port || 5432), dbname: decodeURIComponent(pathname.slice(1)) };
  const role = (username: string, password: string) => ({ ...database, username, password });
  return {
    VpcId: 'vpc-local',
    PrivateSubnetIds: 'subnet-local',
    DatabaseSecurityGroupId: 'sg-local',
    SalesforceConnectionName: CONNECTION_NAME,
    DatabaseSecretArn: await secret(running, 'sfsync/database', role(given.applyRole, given.applyPassword)),
    StreamerSecretArn: await secret(running, 'sfsync/streamer', role(given.streamerRole, given.streamerPassword)),
    SalesforceSecretArn: await secret(running, 'sfsync/salesforce', given.salesforce),
  };
}

/** Makes the secret, or gives it this value. Answers its ARN. */
async function secret({ aws }: RunningAws, name: string, value: object): Promise<string> {
  const SecretString = JSON.stringify(value);
  const { SecretList } = await aws.call<{ SecretList: { Name: string }[] }>('secretsmanager', 'ListSecrets', {});
  if (!SecretList.some(({ Name }) => Name === name)) {
    const { ARN } = await aws.call<{ ARN: string }>('secretsmanager', 'CreateSecret', { Name: name, SecretString });
    return ARN;
  }
  type Value = { ARN: string; SecretString: string };
  const present = await aws.call<Value>('secretsmanager', 'GetSecretValue', { SecretId: name });
  // Only a changed value is a new version.
  if (present.SecretString !== SecretString) {
    await aws.call('secretsmanager', 'PutSecretValue', { SecretId: name, SecretString });
  }
  return present.ARN;
}

function readDeployed(file: string): z.output<typeof deployedSchema> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  return deployedSchema.parse(JSON.parse(content));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ResourceNotFoundException')) throw error;
}
