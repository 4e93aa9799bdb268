/** What is deployed: the queues, machines and other things of the stack, by its outputs. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { Pipeline } from '../core/contracts/dead-letters.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { AwsConnection } from './aws-connection.ts';
import { classified } from './aws-errors.ts';

/** The stack's outputs by their names, which `infra/stack.ts` gives them. */
export class Deployment {
  readonly #stackName: string;
  readonly #outputs: ReadonlyMap<string, string>;

  constructor(stackName: string, outputs: ReadonlyMap<string, string>) {
    this.#stackName = stackName;
    this.#outputs = outputs;
  }

  get bucketName(): string {
    return this.#output('BucketName');
  }

  get topicArn(): string {
    return this.#output('TopicArn');
  }

  /** The failed executions of a pipeline. */
  failedExecutionsUrl(pipeline: Pipeline): string {
    return this.#output(`${pascal(pipeline)}DeadLetterQueueUrl`);
  }

  stateMachineArn(pipeline: Pipeline): string {
    return this.#output(`${pascal(pipeline)}StateMachineArn`);
  }

  /** Events that did not start an execution of the pipeline. */
  undeliveredEventsUrl(pipeline: Pipeline): string {
    return this.#output(`${pascal(pipeline)}UndeliveredEventsQueueUrl`);
  }

  get undeliveredNoticesUrl(): string {
    return this.#output('UndeliveredNoticesQueueUrl');
  }

  changeQueueUrl(object: string): string {
    return this.#output(`ChangeQueueUrl${object.replaceAll('_', '')}`);
  }

  inboundFlowName(object: string): string {
    return this.#output(`InboundFlowName${object.replaceAll('_', '')}`);
  }

  /** undefined: the object goes through the API. */
  outboundFlowName(object: string): string | undefined {
    return this.#outputs.get(`OutboundFlowName${object.replaceAll('_', '')}`);
  }

  changeDeadLettersUrl(object: string): string {
    return this.#output(`ChangeDeadLetterQueueUrl${object.replaceAll('_', '')}`);
  }

  #output(name: string): string {
    const value = this.#outputs.get(name);
    if (value !== undefined) return value;
    throw new ConfigurationError(
      'NO_OUTPUT',
      `Stack ${this.#stackName} has no output ${name}: an older version is deployed, or one with another sync.config.ts. Deploy this one, or run the command from the sources that are deployed.`,
    );
  }
}

function pascal(pipeline: Pipeline): string {
  return pipeline === 'salesforce-to-postgres' ? 'SalesforceToPostgres' : 'PostgresToSalesforce';
}

/** Reads the outputs of a stack. Throws ConfigurationError when there is no such stack, no region or no credentials. */
export async function readDeployment(connection: AwsConnection, stackName: string): Promise<Deployment> {
  const client = new CloudFormationClient(connection);
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return new Deployment(
      stackName,
      new Map(outputs.map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? ''])),
    );
  } catch (error) {
    throw unreadable(error, stackName);
  } finally {
    client.destroy();
  }
}

function unreadable(error: unknown, stackName: string): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'CredentialsProviderError') {
    const text = `AWS asks who you are: log in (\`aws sso login\`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID. ${message}`;
    return new ConfigurationError('NO_CREDENTIALS', text, { cause: error });
  }
  if (message === 'Region is missing') {
    return new ConfigurationError('NO_REGION', 'Which region? Give --region or set AWS_REGION.', { cause: error });
  }
  if (name === 'ValidationError') {
    const text = `There is no stack ${stackName} in this account and region: give its name with --stack, or check --region and AWS_PROFILE. (${message})`;
    return new ConfigurationError('NO_STACK', text, { cause: error });
  }
  return classified(error);
}
