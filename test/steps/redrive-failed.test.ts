/** Against the embedded Step Functions and SQS: executions of a machine that fails as if a database were away. */
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadLetterQueue } from '../../aws/dead-letter-queue.ts';
import { Executions } from '../../aws/executions.ts';
import { StepFunctions } from '../../packages/embedded-aws/step-functions/step-functions.ts';
import { startTestAws, type TestAws } from '../../packages/embedded-aws/test/embedded-aws.ts';
import { redriveFailed } from '../../steps/redrive-failed.ts';

const ROLE = 'arn:aws:iam::000000000000:role/of-a-test';
const PIPELINE = 'salesforce-to-postgres';

let running: TestAws;
let executions: Executions;
let queue: DeadLetterQueue;
let queueUrl: string;

beforeEach(async () => {
  running = await startTestAws({ services: (aws, store) => ({ states: new StepFunctions(aws, store) }) });
  const { aws } = running;
  const client = { endpoint: aws.origin, region: aws.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  executions = new Executions(new SFNClient(client));
  queueUrl = (await aws.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: 'failed' })).QueueUrl;
  queue = new DeadLetterQueue(queueUrl, new SQSClient(client), 0);
});
afterEach(() => running[Symbol.asyncDispose]());

/** An execution that has ended with this error, and its message in the queue. */
async function failed(error: string): Promise<string> {
  const { aws } = running;
  const definition = JSON.stringify({
    ...{ QueryLanguage: 'JSONata', StartAt: 'Fail', States: { Fail: { Type: 'Fail', Error: error } } },
  });
  const { stateMachineArn } = await aws.call<{ stateMachineArn: string }>('states', 'CreateStateMachine', {
    ...{ name: error, definition, roleArn: ROLE },
  });
  const started = await aws.call<{ executionArn: string }>('states', 'StartExecution', { stateMachineArn });
  await expect.poll(async () => (await executions.describe(started.executionArn))?.status).toBe('FAILED');
  await announce(started.executionArn);
  return started.executionArn;
}

const announce = (execution: string) =>
  queue.send(JSON.stringify({ execution, stateMachine: 'arn:m', status: 'FAILED' }));
const inAWhile = () => new Date(Date.now() + 6 * 60_000);
const redrives = async (execution: string) => (await executions.describe(execution))?.redrives;
const look = (now = inAWhile()) => redriveFailed(PIPELINE, queue, executions, now);

test('what failed for its surroundings goes on after a while, what did not stays', async () => {
  const away = await failed('RetryableError');
  const wrong = await failed('ConfigurationError');
  expect(await look(new Date())).toEqual({ redriven: 0, settled: 0, left: 2 });
  expect(await look()).toEqual({ redriven: 1, settled: 0, left: 1 });
  expect([await redrives(away), await redrives(wrong)]).toEqual([1, 0]);
  // Its message is gone; the failure that comes next brings one.
  expect(await look()).toEqual({ redriven: 0, settled: 0, left: 1 });
});

test('a few times, and then it is an operator’s', async () => {
  const away = await failed('States.Timeout');
  for (let turn = 1; turn <= 5; turn++) {
    expect(await look()).toEqual({ redriven: 1, settled: 0, left: 0 });
    await expect.poll(async () => (await executions.describe(away))?.status).toBe('FAILED');
    await announce(away);
  }
  expect(await look()).toEqual({ redriven: 0, settled: 0, left: 1 });
  expect(await redrives(away)).toBe(5);
});

test('a second message of one execution waits, and what names none stays', async () => {
  const away = await failed('RetryableError');
  await announce(away);
  await queue.send('{}');
  expect(await look()).toEqual({ redriven: 1, settled: 0, left: 2 });
});
