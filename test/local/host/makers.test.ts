import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Assembly } from '../../../local/host/assembly.ts';
import { type Deployment, deploy } from '../../../local/host/deployment.ts';
import { resourceMakers } from '../../../local/host/makers.ts';
import type { ContainerDefinition } from '../../../local/host/resources/containers.ts';
import { parseTemplate } from '../../../local/host/template.ts';
import { openEmbeddedAws, REGION, type RunningAws } from '../../../packages/embedded-aws/embedded-aws.ts';
import { AwsError, type ServiceName } from '../../../packages/embedded-aws/service.ts';

let directory: string;
let running: RunningAws;
let containers: Map<string, ContainerDefinition>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-makers-'));
  containers = new Map();
  running = await openEmbeddedAws({
    stateDirectory: directory,
    logDirectory: join(directory, 'logs'),
    timeScale: 1,
    ports: [],
    connections: (name) => Promise.reject(new Error(`no connection ${name}`)),
  });
});
afterEach(async () => {
  await running.stop();
  await rm(directory, { recursive: true, force: true });
});

const call = <Output>(service: ServiceName, operation: string, input: object) =>
  running.aws.call<Output>(service, operation, input);

function deployed(resources: object, previous: Deployment['resources'] = {}): Promise<Deployment> {
  const assembly: Assembly = {
    stackName: 'sfsync',
    template: parseTemplate({ Resources: resources }),
    fileAsset: (key) => join(directory, key.replace(/\.zip$/, '')),
    imageAsset: () => ({ directory, dockerFile: 'Dockerfile' }),
  };
  const hosts = {
    containers: {
      run: (name: string, given: ContainerDefinition) => void containers.set(name, given),
      remove: async () => undefined,
    },
    flows: running.appflow,
    functions: { register: running.lambda.register.bind(running.lambda), unregister: async () => undefined },
    roles: running.iam,
  };
  const makers = resourceMakers((service, operation, input) => running.aws.call(service, operation, input), hosts);
  return deploy({ assembly, parameters: {}, makers, region: REGION, account: '000000000000', previous });
}

const refOf = (deployment: Deployment, id: string) => deployment.resources[id]?.ref ?? '';
const arnOf = (deployment: Deployment, id: string) => deployment.resources[id]?.attributes.Arn ?? '';

test('a queue keeps its messages when it is deployed again with other attributes, and goes when the template has none', async () => {
  const queue = (VisibilityTimeout: number) => ({
    Changes: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout } },
  });
  const first = await deployed(queue(30));
  const QueueUrl = refOf(first, 'Changes');
  await call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'kept' });
  const second = await deployed(queue(90), first.resources);
  expect(refOf(second, 'Changes')).toBe(QueueUrl);
  const { Attributes } = await call<{ Attributes: object }>('sqs', 'GetQueueAttributes', {
    QueueUrl,
    AttributeNames: ['VisibilityTimeout', 'ApproximateNumberOfMessages'],
  });
  expect(Attributes).toEqual({ VisibilityTimeout: '90', ApproximateNumberOfMessages: '1' });
  await deployed({ Other: { Type: 'AWS::SQS::Queue' } }, second.resources);
  const { QueueUrls } = await call<{ QueueUrls: string[] }>('sqs', 'ListQueues', {});
  expect(QueueUrls).toEqual([expect.stringMatching(/\/sfsync-Other$/)]);
});

test('a redrive policy names the queue of the same template', async () => {
  const deployment = await deployed({
    Changes: {
      Type: 'AWS::SQS::Queue',
      Properties: { RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 3 } },
    },
    Dead: { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: 1_209_600 } },
  });
  const { queueUrls } = await call<{ queueUrls: string[] }>('sqs', 'ListDeadLetterSourceQueues', {
    QueueUrl: refOf(deployment, 'Dead'),
  });
  expect(queueUrls).toEqual([refOf(deployment, 'Changes')]);
});

test('an object in a bucket with events starts the machine of a rule, whose target must be allowed to do what it does', async () => {
  await writeFile(
    join(directory, 'machine.json'),
    JSON.stringify({
      QueryLanguage: 'JSONata',
      StartAt: 'Send',
      States: {
        Send: {
          Type: 'Task',
          Resource: 'arn:aws:states:::sqs:sendMessage',
          Arguments: { QueueUrl: ['$', '{QueueUrl}'].join(''), MessageBody: '{% $states.input.key %}' },
          End: true,
        },
      },
    }),
  );
  const resources = (allowed: object) => ({
    Bucket: {
      Type: 'AWS::S3::Bucket',
      Properties: { NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } } },
    },
    Seen: { Type: 'AWS::SQS::Queue' },
    Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: { PolicyName: 'own', Roles: [{ Ref: 'Role' }], PolicyDocument: { Statement: [allowed] } },
    },
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      DependsOn: 'Policy',
      Properties: {
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
        DefinitionS3Location: { Bucket: 'assets', Key: 'machine.json' },
        DefinitionSubstitutions: { QueueUrl: { Ref: 'Seen' } },
      },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['aws.s3'], detail: { bucket: { name: [{ Ref: 'Bucket' }] } } },
        Targets: [
          {
            Id: 'machine',
            Arn: { Ref: 'Machine' },
            RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            InputTransformer: { InputPathsMap: { key: '$.detail.object.key' }, InputTemplate: '{"key": <key>}' },
          },
        ],
      },
    },
  });
  const all = { Effect: 'Allow', Action: ['states:StartExecution', 'sqs:SendMessage'], Resource: '*' };
  const deployment = await deployed(resources(all));
  await running.start();
  const ended = (status: string) =>
    new Promise<void>((resolve) => {
      const end = running.journal.subscribe(({ kind, details }) => {
        if (kind !== 'execution-ended') return;
        end();
        expect(details?.status).toBe(status);
        resolve();
      });
    });

  const succeeded = ended('SUCCEEDED');
  await call('s3', 'PutObject', { Bucket: refOf(deployment, 'Bucket'), Key: 'a/b.json', Body: '1' });
  await succeeded;
  const received = await call<{ Messages: { Body: string }[] }>('sqs', 'ReceiveMessage', {
    QueueUrl: refOf(deployment, 'Seen'),
  });
  expect(received.Messages.map(({ Body }) => Body)).toEqual(['a/b.json']);

  await deployed(resources({ ...all, Action: 'states:StartExecution' }), deployment.resources);
  const failed = ended('FAILED');
  await call('s3', 'PutObject', { Bucket: refOf(deployment, 'Bucket'), Key: 'c.json', Body: '1' });
  await failed;
});

test('a function runs from its asset with its environment', async () => {
  await mkdir(join(directory, 'code'));
  await writeFile(join(directory, 'code', 'index.cjs'), 'exports.handler = async () => process.env.GREETING;');
  const deployment = await deployed({
    Role: { Type: 'AWS::IAM::Role', Properties: {} },
    Greet: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Environment: { Variables: { GREETING: 'hello' } },
      },
    },
  });
  const { Payload } = await call<{ Payload: string }>('lambda', 'Invoke', { FunctionName: arnOf(deployment, 'Greet') });
  expect(JSON.parse(Payload)).toBe('hello');
});

test('a topic delivers to the queue that subscribes to it', async () => {
  const deployment = await deployed({
    Topic: { Type: 'AWS::SNS::Topic', Properties: { DisplayName: 'sfsync' } },
    Inbox: { Type: 'AWS::SQS::Queue' },
    Subscription: {
      Type: 'AWS::SNS::Subscription',
      Properties: {
        TopicArn: { Ref: 'Topic' },
        Protocol: 'sqs',
        Endpoint: { 'Fn::GetAtt': ['Inbox', 'Arn'] },
        RawMessageDelivery: true,
      },
    },
  });
  await running.start();
  await call('sns', 'Publish', { TopicArn: refOf(deployment, 'Topic'), Message: 'hello' });
  const received = await call<{ Messages: { Body: string }[] }>('sqs', 'ReceiveMessage', {
    QueueUrl: refOf(deployment, 'Inbox'),
    WaitTimeSeconds: 5,
  });
  expect(received.Messages.map(({ Body }) => Body)).toEqual(['hello']);
});

test('a service is its container: entry point of the image, environment, secrets by key, roles', async () => {
  await writeFile(join(directory, 'Dockerfile'), 'FROM node\nENTRYPOINT ["node", "main.ts"]\n');
  const role = { Type: 'AWS::IAM::Role', Properties: {} };
  await deployed({
    TaskRole: role,
    ExecutionRole: role,
    Task: {
      Type: 'AWS::ECS::TaskDefinition',
      Properties: {
        TaskRoleArn: { 'Fn::GetAtt': ['TaskRole', 'Arn'] },
        ExecutionRoleArn: { 'Fn::GetAtt': ['ExecutionRole', 'Arn'] },
        ContainerDefinitions: [
          {
            Name: 'streamer',
            Image: 'registry/assets:hash',
            Environment: [{ Name: 'LEVEL', Value: 'INFO' }],
            Secrets: [{ Name: 'PGHOST', ValueFrom: 'arn:secret:host::' }],
            StopTimeout: 20,
            HealthCheck: { Command: ['CMD', 'node', '-e', '0'], Interval: 10, Retries: 2 },
          },
        ],
      },
    },
    Service: { Type: 'AWS::ECS::Service', Properties: { TaskDefinition: { Ref: 'Task' }, DesiredCount: 1 } },
  });
  expect(containers.get('Service')).toEqual({
    name: 'streamer',
    directory,
    command: ['node', 'main.ts'],
    environment: { LEVEL: 'INFO' },
    secrets: { PGHOST: 'arn:secret:host::' },
    stopTimeoutMs: 20_000,
    healthCheck: { command: ['node', '-e', '0'], intervalMs: 10_000, timeoutMs: 5_000, retries: 2, startPeriodMs: 0 },
    taskRoleArn: 'arn:aws:iam::000000000000:role/sfsync-TaskRole',
    executionRoleArn: 'arn:aws:iam::000000000000:role/sfsync-ExecutionRole',
  });
});

test.each([
  [{ Type: 'AWS::SQS::Queue', Properties: { Colour: 'red' } }, /Resource Bad cannot be made locally: .*Colour/],
  [{ Type: 'AWS::ECS::Service', Properties: { TaskDefinition: 'x', DesiredCount: 2 } }, /services of one task/],
  [
    {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: { RoleArn: 'r', DefinitionString: ['$', '{X} ', '$', '{Y}'].join('') },
    },
    /the definition needs values for X, Y/,
  ],
  [
    { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] } },
    /AdministratorAccess/,
  ],
])('%j is refused', async (resource, message) => {
  await expect(deployed({ Bad: resource })).rejects.toThrow(message);
});

test('a role without a policy may do nothing', async () => {
  const deployment = await deployed({ Role: { Type: 'AWS::IAM::Role', Properties: {} } });
  const principal = arnOf(deployment, 'Role');
  await expect(running.aws.call('sqs', 'ListQueues', {}, { principal })).rejects.toThrow(AwsError);
});
