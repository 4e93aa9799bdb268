import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as queues from '../../aws/change-queue.ts';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let ChangeQueue: typeof queues.ChangeQueue;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  ({ ChangeQueue } = await import('../../aws/change-queue.ts'));
});
afterAll(() => aws[Symbol.asyncDispose]());

const message = (key: string): ChangeMessage => ({
  object: 'Account',
  keys: [[key, 'update']],
  position: '0/1',
  committedAt: '2026-01-01T00:00:00.000Z',
  transactions: ['742'],
});
const put = (url: string, body: unknown) =>
  aws.running.aws.call('sqs', 'SendMessage', {
    QueueUrl: url,
    MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
  });
const keysOf = (received: readonly queues.ReceivedMessage[]) =>
  received.map(({ message: each }) => each?.keys[0]?.[0]).sort();

test('up to ten messages are received at once; deleted ones do not come back', async () => {
  const url = await aws.queue('ten', { VisibilityTimeout: '0' });
  const queue = new ChangeQueue(url);
  for (let i = 0; i < 12; i++) await put(url, message(String(i)));
  const first = await queue.receive(0);
  expect(first).toHaveLength(10);
  await queue.delete(first);
  const rest = await queue.receive(0);
  expect(keysOf(rest)).toEqual(['10', '11']);
  await queue.delete(rest);
  expect(await queue.receive(0)).toEqual([]);
  await queue.delete([]);
});

test('what is no change message is received as such, and left to the queue', async () => {
  const url = await aws.queue('garbage');
  await put(url, 'no json');
  await put(url, { ...message('1'), values: { email: 'a@b.c' } });
  await put(url, message('2'));
  const received = await new ChangeQueue(url).receive(0);
  expect(received.filter(({ message: each }) => each === undefined)).toHaveLength(2);
  expect(received.every(({ receiptHandle }) => receiptHandle !== '')).toBe(true);
});

test('a receive that waits ends with the first message', async () => {
  const url = await aws.queue('waiting');
  const received = new ChangeQueue(url).receive(20);
  await put(url, message('1'));
  expect(keysOf(await received)).toEqual(['1']);
});

test('what is handed back is seen again soon, after a pause that doubles each time', async () => {
  const url = await aws.queue('handed-back', { VisibilityTimeout: '3600' });
  const queue = new ChangeQueue(url);
  await put(url, message('1'));
  for (const seconds of [2, 4, 8]) {
    await queue.handBack(await queue.receive(0));
    aws.running.advance((seconds - 1) * 1000);
    expect(await queue.receive(0)).toEqual([]);
    aws.running.advance(1000);
  }
  expect(await queue.receive(0)).toMatchObject([{ receives: 4, message: message('1') }]);
  await queue.handBack([]);
});

test('a message that is sent again comes after its delay', async () => {
  const url = await aws.queue('later');
  const queue = new ChangeQueue(url);
  await queue.sendAgain(message('1'), 60);
  expect(await queue.receive(0)).toEqual([]);
  aws.running.advance(61_000);
  expect((await queue.receive(0)).map(({ message: each }) => each)).toEqual([message('1')]);
});

test('a delete that the queue did not take may be tried again', async () => {
  const url = await aws.queue('undeletable');
  const deleting = new ChangeQueue(url).delete([
    { receiptHandle: 'none of this queue', receives: 1, message: undefined },
  ]);
  await expect(deleting).rejects.toMatchObject({ name: 'RetryableError', code: 'ReceiptHandleIsInvalid' });
});
