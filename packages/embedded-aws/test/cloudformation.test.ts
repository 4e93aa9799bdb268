import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CloudFormation } from '../cloudformation.ts';
import { startTestAws, type TestAws } from './embedded-aws.ts';

let running: TestAws;
let stacks: CloudFormation;
let client: CloudFormationClient;

beforeEach(async () => {
  running = await startTestAws({
    services: (aws) => {
      stacks = new CloudFormation(aws);
      return { cloudformation: stacks };
    },
  });
  client = new CloudFormationClient({ ...running.client, maxAttempts: 1 });
});
afterEach(() => running[Symbol.asyncDispose]());

async function describe(StackName?: string) {
  return (await client.send(new DescribeStacksCommand({ StackName }))).Stacks;
}

test('a stack is described with its outputs, by name, by id and among all', async () => {
  const outputs = { TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t', Odd: '<&">' };
  stacks.set({ name: 'sfsync', description: 'both ways', outputs });
  const expected = [
    {
      StackName: 'sfsync',
      StackId: expect.stringMatching(/^arn:aws:cloudformation:eu-west-1:000000000000:stack\/sfsync\/[0-9a-f-]{36}$/),
      Description: 'both ways',
      StackStatus: 'CREATE_COMPLETE',
      CreationTime: expect.any(Date),
      Outputs: [
        { OutputKey: 'TopicArn', OutputValue: outputs.TopicArn },
        { OutputKey: 'Odd', OutputValue: '<&">' },
      ],
    },
  ];
  const byName = await describe('sfsync');
  expect(byName).toMatchObject(expected);
  expect(await describe(byName?.[0]?.StackId)).toMatchObject(expected);
  expect(await describe()).toMatchObject(expected);
});

test('deployed again it has the new outputs and keeps the time of its creation', async () => {
  stacks.set({ name: 'sfsync', description: undefined, outputs: { A: '1' } });
  const first = (await describe('sfsync'))?.[0];
  running.advance(60_000);
  stacks.set({ name: 'sfsync', description: undefined, outputs: { A: '2' } });
  const second = (await describe('sfsync'))?.[0];
  expect(second).toMatchObject({
    StackStatus: 'UPDATE_COMPLETE',
    CreationTime: first?.CreationTime,
    Outputs: [{ OutputKey: 'A', OutputValue: '2' }],
  });
  expect(Number(second?.LastUpdatedTime) - Number(first?.CreationTime)).toBeGreaterThanOrEqual(60_000);
});

test('a stack that is not there is a validation error in the words of AWS', async () => {
  await expect(describe('other')).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'Stack with id other does not exist',
  });
  expect(await describe()).toEqual([]);
});
