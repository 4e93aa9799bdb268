import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadLetterQueue } from '../../aws/dead-letter-queue.ts';
import { startTestAws, type TestAws } from '../../packages/embedded-aws/test/embedded-aws.ts';

let running: TestAws;
let url: string;
let queue: DeadLetterQueue;

beforeEach(async () => {
  running = await startTestAws();
  url = (await running.aws.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: 'dead' })).QueueUrl;
  queue = new DeadLetterQueue(url, new SQSClient(running.client), 0);
});
afterEach(() => running[Symbol.asyncDispose]());

async function bodies(): Promise<string[]> {
  const found: string[] = [];
  for await (const { body } of queue.letters()) found.push(body);
  return found.sort();
}

test('every letter is shown once, and all are to be seen again afterwards', async () => {
  const sent = Array.from({ length: 25 }, (_, i) => String(i)).sort();
  for (const body of sent) await queue.send(body);
  expect(await bodies()).toEqual(sent);
  expect(await queue.count()).toEqual({ waiting: 25, inFlight: 0 });
  expect(await bodies()).toEqual(sent);
});

test('a loop that breaks off has removed what it removed, and leaves the rest to be seen', async () => {
  for (const body of ['1', '2', '3']) await queue.send(body);
  const broken = async () => {
    for await (const letter of queue.letters()) {
      await queue.remove(letter);
      throw new Error('as the test wants it');
    }
  };
  await expect(broken()).rejects.toThrow('as the test wants it');
  expect(await queue.count()).toEqual({ waiting: 2, inFlight: 0 });
});

test('a letter that became visible again while the loop was at work is not shown twice', async () => {
  for (let i = 0; i < 12; i++) await queue.send(String(i));
  const shown: string[] = [];
  for await (const { body } of queue.letters()) {
    shown.push(body);
    // Longer than any message stays in flight.
    if (shown.length === 1) running.advance(600_000);
  }
  expect(new Set(shown).size).toBe(shown.length);
  expect(await queue.count()).toEqual({ waiting: 12, inFlight: 0 });
});

test('attributes are answered, and no move was ever made', async () => {
  await running.aws.call('sqs', 'SendMessage', {
    QueueUrl: url,
    MessageBody: 'x',
    MessageAttributes: { TARGET_ARN: { DataType: 'String', StringValue: 'arn:t' } },
  });
  for await (const { attributes } of queue.letters()) expect(attributes).toEqual({ TARGET_ARN: 'arn:t' });
  expect(await queue.readMove()).toBeUndefined();
  await expect(queue.startMove()).rejects.toThrow('must be configured as a Dead Letter Queue');
});
