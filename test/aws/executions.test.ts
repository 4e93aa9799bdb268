import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as executions from '../../aws/executions.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let isRunning: typeof executions.isRunning;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  ({ isRunning } = await import('../../aws/executions.ts'));
});
afterAll(() => aws[Symbol.asyncDispose]());

const call = <Output>(operation: string, input: object) => aws.running.aws.call<Output>('states', operation, input);

test('an execution runs until it has ended; an unknown one does not run', async () => {
  const definition = JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'Wait',
    States: { Wait: { Type: 'Wait', Seconds: 3600, End: true } },
  });
  const { stateMachineArn } = await call<{ stateMachineArn: string }>('CreateStateMachine', {
    name: 'waiter',
    definition,
    roleArn: 'arn:aws:iam::000000000000:role/machine',
  });
  const { executionArn } = await call<{ executionArn: string }>('StartExecution', { stateMachineArn, name: 'one' });
  expect(await isRunning(executionArn)).toBe(true);
  await call('StopExecution', { executionArn });
  expect(await isRunning(executionArn)).toBe(false);
  expect(await isRunning(executionArn.replace(/one$/, 'never-started'))).toBe(false);
});

test('what is no ARN is no question that Step Functions answers', async () => {
  await expect(isRunning('one')).rejects.toMatchObject({ name: 'InvalidArn' });
});
