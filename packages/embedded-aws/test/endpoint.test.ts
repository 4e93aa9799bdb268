import { AppflowClient, DescribeFlowCommand, StartFlowCommand } from '@aws-sdk/client-appflow';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError, type Caller } from '../service.ts';
import { startTestAws, type TestAws } from './embedded-aws.ts';

const calls: { readonly operation: string; readonly input: unknown; readonly principal: string }[] = [];
const noted =
  (operation: string, output: unknown = {}) =>
  (input: unknown, { principal }: Caller) => {
    calls.push({ operation, input, principal });
    return output;
  };

let running: TestAws;

beforeAll(async () => {
  running = await startTestAws({
    services: () => ({
      appflow: {
        operations: {
          StartFlow: noted('StartFlow', { executionId: 'e1' }),
          DescribeFlow: () => {
            throw new AwsError('ResourceNotFoundException', 'there is no flow', 404);
          },
        },
      },
      states: {
        operations: {
          DescribeExecution: noted('DescribeExecution', { status: 'RUNNING', startDate: new Date(1_500_000_000_250) }),
        },
      },
      events: { operations: { PutEvents: noted('PutEvents', { FailedEntryCount: 0, Entries: [{ EventId: 'x' }] }) } },
      lambda: {
        operations: {
          Invoke: (input: { readonly FunctionName: string; readonly Payload: Buffer }) => {
            calls.push({ operation: 'Invoke', input, principal: '' });
            if (input.FunctionName === 'broken') return { FunctionError: 'Unhandled', Payload: '{"errorMessage":"x"}' };
            return { StatusCode: 200, Payload: input.Payload };
          },
        },
      },
      secretsmanager: {
        operations: {
          ListSecrets: () => {
            throw new Error('a bug');
          },
        },
      },
      sns: { operations: {} },
      sts: {
        operations: { GetCallerIdentity: (_: object, { principal }: Caller) => ({ Arn: principal, UserId: '<1>' }) },
      },
    }),
    authorize: (caller, service, operation) => {
      if (caller.principal !== 'stranger') return;
      throw new AwsError(
        service === 's3' ? 'AccessDenied' : 'AccessDeniedException',
        `no ${service}:${operation}`,
        403,
      );
    },
  });
});
afterAll(() => running[Symbol.asyncDispose]());

function signedAs(accessKeyId: string) {
  return { ...running.client, credentials: { accessKeyId, secretAccessKey: 'secret' } };
}

/** A request as a client without an SDK would sign it. */
function plain(service: string, path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `AWS4-HMAC-SHA256 Credential=key/20261123/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  return fetch(running.client.endpoint + path, { ...init, headers: { authorization, ...init.headers } });
}

describe('a request', () => {
  test('reaches its service in the protocol of its SDK', async () => {
    const flow = await new AppflowClient(running.client).send(new StartFlowCommand({ flowName: 'f' }));
    expect(flow.executionId).toBe('e1');
    expect(calls.at(-1)).toMatchObject({ operation: 'StartFlow', input: { flowName: 'f' }, principal: 'key' });
    const Entries = [{ Source: 's', DetailType: 'd', Detail: '{}' }];
    const put = await new EventBridgeClient(running.client).send(new PutEventsCommand({ Entries }));
    expect(put.Entries).toEqual([{ EventId: 'x' }]);
    const describeExecution = new DescribeExecutionCommand({ executionArn: 'arn' });
    const execution = await new SFNClient(running.client).send(describeExecution);
    expect(execution.startDate).toEqual(new Date(1_500_000_000_250));
  });

  test('to a function carries its payload raw, and errors in a header', async () => {
    const invoked = await plain('lambda', '/2015-03-31/functions/echo/invocations', {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'x-amz-invocation-type': 'RequestResponse' },
    });
    expect([invoked.status, await invoked.text()]).toEqual([200, '{"a":1}']);
    expect(calls.at(-1)?.input).toMatchObject({ FunctionName: 'echo', InvocationType: 'RequestResponse' });
    const broken = await plain('lambda', '/2015-03-31/functions/broken/invocations', { method: 'POST' });
    expect(broken.headers.get('x-amz-function-error')).toBe('Unhandled');
  });

  test('in the query protocol is answered in XML', async () => {
    const body = new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' });
    const answer = await plain('sts', '/', { method: 'POST', body });
    expect(await answer.text()).toContain(
      '<GetCallerIdentityResult><Arn>key</Arn><UserId>&lt;1&gt;</UserId></GetCallerIdentityResult>',
    );
  });

  test('is made by who holds its access key', async () => {
    await new AppflowClient(signedAs('arn:aws:iam::000000000000:role/r')).send(new StartFlowCommand({ flowName: 'f' }));
    expect(calls.at(-1)?.principal).toBe('arn:aws:iam::000000000000:role/r');
  });

  test('that its caller may not make is refused in each protocol', async () => {
    const client = signedAs('stranger');
    const sqs = new SQSClient(client).send(new ListQueuesCommand({}));
    await expect(sqs).rejects.toMatchObject({ name: 'AccessDenied', message: 'no sqs:ListQueues' });
    const s3 = new S3Client(client).send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
    await expect(s3).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
    const flow = new AppflowClient(client).send(new StartFlowCommand({ flowName: 'f' }));
    await expect(flow).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('an error', () => {
  test('of a service keeps its name and status', async () => {
    const flow = new AppflowClient(running.client).send(new DescribeFlowCommand({ flowName: 'f' }));
    await expect(flow).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'there is no flow',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('of SQS has its old name in a header', async () => {
    const answer = await plain('sqs', '/', {
      method: 'POST',
      body: '{"QueueName":"none"}',
      headers: { 'x-amz-target': 'AmazonSQS.GetQueueUrl' },
    });
    expect(answer.headers.get('x-amzn-query-error')).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    expect(await answer.json()).toMatchObject({ __type: 'com.amazonaws.sqs#QueueDoesNotExist' });
  });

  test('that is a bug is answered as one and journalled with its place', async () => {
    const client = new SecretsManagerClient({ ...running.client, maxAttempts: 1 });
    const list = client.send(new ListSecretsCommand({}));
    await expect(list).rejects.toMatchObject({ message: 'a bug', $metadata: { httpStatusCode: 500 } });
    const fault = running.journal.findLast(({ kind }) => kind === 'fault');
    expect(fault).toMatchObject({ subject: 'secretsmanager', text: expect.stringContaining('endpoint.test.ts') });
  });

  test('refuses a body that is no JSON', async () => {
    const headers = { 'x-amz-target': 'AmazonSQS.ListQueues' };
    const answer = await plain('sqs', '/', { method: 'POST', body: '{"a"', headers });
    expect(await answer.json()).toMatchObject({ __type: 'com.amazonaws.sqs#SerializationException' });
  });
});

describe('what is not offered', () => {
  const fault = () => running.journal.findLast(({ kind }) => kind === 'fault')?.text;

  test('is refused naming what is, and journalled: an operation', async () => {
    const get = new GetSecretValueCommand({ SecretId: 's' });
    await expect(new SecretsManagerClient(running.client).send(get)).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: 'secretsmanager does not support GetSecretValue; supported are ListSecrets',
    });
    expect(fault()).toContain('GetSecretValue');
    const topic = new SNSClient(running.client).send(new CreateTopicCommand({ Name: 't' }));
    await expect(topic).rejects.toMatchObject({ message: expect.stringContaining('sns does not support CreateTopic') });
  });

  test('is refused naming what is, and journalled: a path', async () => {
    const answer = await plain('lambda', '/2015-03-31/layers', { method: 'GET' });
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([400, 'UnknownOperationException']);
    expect(fault()).toContain('GET /2015-03-31/layers');
  });

  test('is refused naming what is, and journalled: a service', async () => {
    const headers = { 'x-amz-target': 'DynamoDB_20120810.ListTables' };
    const json = await plain('dynamodb', '/', { method: 'POST', body: '{}', headers });
    expect(await json.text()).toContain('DynamoDB_20120810.ListTables');
    const xml = await plain('iam', '/?Action=ListRoles');
    expect(await xml.text()).toContain('the service iam is not part of this endpoint; supported are');
    expect(fault()).toContain('the service iam');
  });
});
