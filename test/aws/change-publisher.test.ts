import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ObjectEvents, SqsChangeSender } from '../../aws/change-publisher.ts';
import { startTestAws, type TestAws } from '../../packages/embedded-aws/test/embedded-aws.ts';

interface Entry {
  readonly Id?: string;
  readonly MessageBody?: string;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
}

let running: TestAws;
/** What the services were given, and how the next call is answered instead of by accepting everything. */
let calls: Entry[][];
let answer: ((entries: readonly Entry[]) => object) | undefined;

beforeAll(async () => {
  running = await startTestAws({
    services: () => ({
      sqs: {
        operations: {
          SendMessageBatch: ({ Entries }: { Entries: Entry[] }) => {
            calls.push(Entries);
            return answer?.(Entries) ?? { Successful: Entries.map(({ Id }) => ({ Id, MessageId: 'm' })), Failed: [] };
          },
        },
      },
      events: {
        operations: {
          PutEvents: ({ Entries }: { Entries: Entry[] }) => {
            calls.push(Entries);
            return answer?.(Entries) ?? { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'e' })) };
          },
        },
      },
    }),
  });
});
afterAll(() => running[Symbol.asyncDispose]());
beforeEach(() => {
  calls = [];
  answer = undefined;
});

const { signal } = new AbortController();

describe('messages', () => {
  const sender = () =>
    new SqsChangeSender(`${running.client.endpoint}/0/q`, new SQSClient({ ...running.client, md5: false }));

  test('are sent in their order in one call', async () => {
    expect(await sender().send(['a', 'b'], signal)).toEqual([]);
    expect(calls).toEqual([
      [
        { Id: '0', MessageBody: 'a' },
        { Id: '1', MessageBody: 'b' },
      ],
    ]);
  });

  test('are accepted only if the queue says so: refused ones and those it does not mention are answered', async () => {
    answer = () => ({
      Successful: [{ Id: '1', MessageId: 'm' }],
      Failed: [{ Id: '0', Code: 'InternalError', SenderFault: false }],
    });
    expect(await sender().send(['a', 'b', 'c'], signal)).toEqual([
      { index: 0, code: 'InternalError' },
      { index: 2, code: 'NO_ANSWER' },
    ]);
  });

  test('fail with what the call failed with', async () => {
    const away = new SqsChangeSender(
      'http://127.0.0.1:1/0/q',
      new SQSClient({ ...running.client, endpoint: 'http://127.0.0.1:1', maxAttempts: 1 }),
    );
    await expect(away.send(['a'], signal)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('events', () => {
  const events = () => new ObjectEvents('sfsync', 'Changes available', new EventBridgeClient(running.client));

  test('name one object each, ten to a call', async () => {
    const objects = Array.from({ length: 12 }, (_, i) => `Object${i}__c`);
    await events().put(objects, signal);
    expect(calls.map((entries) => entries.length)).toEqual([10, 2]);
    expect(calls.flat().map(({ Detail }) => JSON.parse(Detail ?? '').object)).toEqual(objects);
    expect(calls[0]?.[0]).toMatchObject({ Source: 'sfsync', DetailType: 'Changes available' });
  });

  test('that the bus refused may be put again', async () => {
    answer = (entries) => ({ FailedEntryCount: 1, Entries: entries.map(() => ({ ErrorCode: 'ThrottlingException' })) });
    await expect(events().put(['Account'], signal)).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'ThrottlingException',
    });
  });
});
