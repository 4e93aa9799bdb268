/**
 * The stack as far as redrives touch it, in the embedded AWS: real queues, rules and machines, found by the stack's
 * outputs. Each machine hands its input to a queue that is not there at first, so its executions fail until `mend`.
 */

import { AwsAccount } from '../../aws/aws-account.ts';
import type { Operator } from '../../cli/operator.ts';
import { PIPELINES, type Pipeline } from '../../core/contracts/dead-letters.ts';
import { CloudFormation } from '../../packages/embedded-aws/cloudformation.ts';
import { EventBridge } from '../../packages/embedded-aws/events/event-bridge.ts';
import { type PublishedMessage, Sns } from '../../packages/embedded-aws/sns/service.ts';
import { StepFunctions } from '../../packages/embedded-aws/step-functions/step-functions.ts';
import { startTestAws, type TestAws } from '../../packages/embedded-aws/test/embedded-aws.ts';

export const OBJECTS = ['Account', 'Contact', 'Opportunity'];

export interface DeployedStack extends AsyncDisposable {
  readonly running: TestAws;
  readonly outputs: Readonly<Record<string, string>>;
  /** What was published to the topic. */
  readonly published: readonly PublishedMessage[];
  /** What the command has printed so far. */
  readonly printed: string[];
  operator(options?: { readonly dryRun?: boolean }): Operator;
  call<Output = unknown>(
    service: 'sqs' | 'states' | 'events' | 's3',
    operation: string,
    input: object,
  ): Promise<Output>;
  output(name: string): string;
  /** Takes the messages out of a queue; waits until there are `count`. */
  take(queueUrl: string, count: number): Promise<{ body: string; attributes: Readonly<Record<string, string>> }[]>;
  /** How many messages wait in a queue, taken or not. */
  count(queueUrl: string): Promise<number>;
  /** Objects of the `Changes available` events so far, sorted; waits until there are `count`. */
  announced(count: number): Promise<string[]>;
  /** Starts an execution and answers its ARN when it has ended. */
  run(pipeline: Pipeline, input: object): Promise<string>;
  /** From now on the executions of a pipeline succeed; answers the URL of the queue that gets their inputs. */
  mend(pipeline: Pipeline): Promise<string>;
}

const PASCAL = { 'salesforce-to-postgres': 'SalesforceToPostgres', 'postgres-to-salesforce': 'PostgresToSalesforce' };
const ROLE = 'arn:aws:iam::000000000000:role/of-a-test';

export async function startDeployedStack(): Promise<DeployedStack> {
  const published: PublishedMessage[] = [];
  const printed: string[] = [];
  let stacks: CloudFormation | undefined;
  let bus: EventBridge | undefined;
  let machines: StepFunctions | undefined;
  const running = await startTestAws({
    services: (aws, store) => {
      stacks = new CloudFormation(aws);
      bus = new EventBridge(aws, store, { timeScale: 1 });
      machines = new StepFunctions(aws, store);
      return {
        cloudformation: stacks,
        events: bus,
        sns: new Sns(aws, store, { onPublish: (message) => void published.push(message) }),
        states: machines,
      };
    },
  });
  bus?.start();
  const { aws } = running;
  const call = <Output>(service: 'sqs' | 'sns' | 'states' | 'events' | 's3', operation: string, input: object) =>
    aws.call<Output>(service, operation, input);
  const arnOf = (url: string) => `arn:aws:sqs:${aws.region}:000000000000:${url.slice(url.lastIndexOf('/') + 1)}`;
  const queue = async (QueueName: string, Attributes = {}) =>
    (await call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName, Attributes })).QueueUrl;

  const outputs: Record<string, string> = {
    BucketName: 'files',
    TopicArn: (await call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'people' })).TopicArn,
    UndeliveredNoticesQueueUrl: await queue('undelivered-notices'),
  };
  await call('s3', 'CreateBucket', { Bucket: 'files' });
  for (const object of OBJECTS) {
    const dead = await queue(`dead-${object}`);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 });
    outputs[`ChangeDeadLetterQueueUrl${object}`] = dead;
    outputs[`ChangeQueueUrl${object}`] = await queue(`changes-${object}`, { RedrivePolicy, VisibilityTimeout: '0' });
  }
  for (const pipeline of PIPELINES) {
    const name = PASCAL[pipeline];
    const failures = await queue(`failed-${pipeline}`, { MessageRetentionPeriod: '1209600' });
    outputs[`${name}DeadLetterQueueUrl`] = failures;
    outputs[`${name}UndeliveredEventsQueueUrl`] = await queue(`undelivered-${pipeline}`);
    const stateMachineArn = await machine(pipeline);
    outputs[`${name}StateMachineArn`] = stateMachineArn;
    await rule(`failed-${pipeline}`, {
      pattern: {
        source: ['aws.states'],
        detail: { stateMachineArn: [stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      target: {
        Arn: arnOf(failures),
        InputTransformer: {
          InputPathsMap: { e: '$.detail.executionArn', m: '$.detail.stateMachineArn', s: '$.detail.status' },
          InputTemplate: '{"execution": "<e>", "stateMachine": "<m>", "status": "<s>"}',
        },
      },
    });
  }
  const announcements = await queue('announcements');
  await rule('announced', {
    pattern: { source: ['sfsync'], 'detail-type': ['Changes available'] },
    target: { Arn: arnOf(announcements), InputPath: '$.detail.object' },
  });
  stacks?.set({ name: 'sfsync', description: undefined, outputs });

  async function machine(pipeline: Pipeline): Promise<string> {
    const definition = {
      QueryLanguage: 'JSONata',
      StartAt: 'Hand over',
      States: {
        'Hand over': {
          Type: 'Task',
          Resource: 'arn:aws:states:::sqs:sendMessage',
          Arguments: {
            QueueUrl: `${aws.origin}/000000000000/done-${pipeline}`,
            MessageBody: '{% $string($states.input) %}',
          },
          End: true,
        },
      },
    };
    const input = { name: pipeline, definition: JSON.stringify(definition), roleArn: ROLE };
    return (await call<{ stateMachineArn: string }>('states', 'CreateStateMachine', input)).stateMachineArn;
  }

  async function rule(Name: string, { pattern, target }: { pattern: object; target: object }): Promise<void> {
    await call('events', 'PutRule', { Name, EventPattern: JSON.stringify(pattern) });
    await call('events', 'PutTargets', { Rule: Name, Targets: [{ Id: 'one', ...target }] });
  }

  async function take(QueueUrl: string, count: number) {
    const taken: { body: string; attributes: Readonly<Record<string, string>> }[] = [];
    const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, MessageAttributeNames: ['All'] };
    while (taken.length < count) {
      type Received = {
        Body: string;
        ReceiptHandle: string;
        MessageAttributes?: Record<string, { StringValue: string }>;
      };
      const { Messages = [] } = await call<{ Messages?: Received[] }>('sqs', 'ReceiveMessage', input);
      if (Messages.length === 0) throw new Error(`${taken.length} of ${count} messages came to ${QueueUrl}`);
      for (const { Body, ReceiptHandle, MessageAttributes = {} } of Messages) {
        await call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
        const attributes = Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue] as const);
        taken.push({ body: Body, attributes: Object.fromEntries(attributes) });
      }
    }
    return taken;
  }

  return {
    running,
    outputs,
    published,
    printed,
    operator: ({ dryRun = false } = {}) => ({
      aws: new AwsAccount({ connection: running.client, stackName: 'sfsync', waitSeconds: 0 }),
      terminal: { print: (line) => void printed.push(line), progress: () => undefined },
      dryRun,
    }),
    call,
    output(name) {
      const found = outputs[name];
      if (found === undefined) throw new Error(`no output ${name}`);
      return found;
    },
    take,
    async count(QueueUrl) {
      type Answer = { Attributes: Readonly<Record<string, string>> };
      const { Attributes } = await call<Answer>('sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
      return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
    },
    async announced(count) {
      return (await take(announcements, count)).map(({ body }) => JSON.parse(body) as string).sort();
    },
    async run(pipeline, input) {
      const stateMachineArn = outputs[`${PASCAL[pipeline]}StateMachineArn`];
      type Started = { executionArn: string };
      const started = await call<Started>('states', 'StartExecution', {
        stateMachineArn,
        input: JSON.stringify(input),
      });
      for (;;) {
        const { status } = await call<{ status: string }>('states', 'DescribeExecution', started);
        if (status !== 'RUNNING') return started.executionArn;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    mend: (pipeline) => queue(`done-${pipeline}`),
    async [Symbol.asyncDispose]() {
      await bus?.stop();
      await machines?.stop();
      await running[Symbol.asyncDispose]();
    },
  };
}
