import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type Message,
  PurgeQueueCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestAws, type TestAws } from './embedded-aws.ts';

let running: TestAws;
let sqs: SQSClient;
let made = 0;

beforeAll(async () => {
  running = await startTestAws();
  sqs = new SQSClient(running.client);
});
afterAll(async () => {
  sqs.destroy();
  await running[Symbol.asyncDispose]();
});

async function newQueue(Attributes: Partial<Record<QueueAttributeName, string>> = {}): Promise<string> {
  made += 1;
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `queue-${made}`, Attributes }));
  return QueueUrl;
}

function send(QueueUrl: string, MessageBody: string, more: object = {}) {
  return sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
}

async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
  const input = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const], ...more };
  const { Messages } = await sqs.send(new ReceiveMessageCommand(input));
  return Messages ?? [];
}

async function attribute(QueueUrl: string, name: QueueAttributeName): Promise<string | undefined> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
  return Attributes?.[name];
}

function bodies(messages: readonly Message[]): (string | undefined)[] {
  return messages.map((message) => message.Body).sort();
}

/** A queue whose messages become dead letters after `maxReceiveCount` receives. */
async function withDeadLetters(maxReceiveCount = 1): Promise<{ main: string; dead: string; deadArn: string }> {
  const dead = await newQueue();
  const deadArn = (await attribute(dead, 'QueueArn')) ?? '';
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount });
  return { main: await newQueue({ RedrivePolicy }), dead, deadArn };
}

async function bury(main: string, dead: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await send(main, `dead ${index}`);
  while ((await attribute(dead, 'ApproximateNumberOfMessages')) !== String(count)) {
    await receive(main, { VisibilityTimeout: 0 });
  }
}

describe('a message', () => {
  test('is hidden once received, comes back after its timeout, and is gone once deleted', async () => {
    const queue = await newQueue();
    await send(queue, 'hello');
    const [first] = await receive(queue, { VisibilityTimeout: 100 });
    expect(first).toMatchObject({ Body: 'hello', Attributes: { ApproximateReceiveCount: '1', SenderId: 'key' } });
    expect(await receive(queue)).toEqual([]);
    running.advance(100_001);
    const [second] = await receive(queue);
    expect(second?.MessageId).toBe(first?.MessageId);
    expect(second?.Attributes?.ApproximateReceiveCount).toBe('2');
    // A receipt that has run out still deletes.
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: first?.ReceiptHandle }));
    running.advance(100_001);
    expect(await receive(queue)).toEqual([]);
  });

  test('keeps its attributes, with digests that the SDK checks', async () => {
    const queue = await newQueue();
    const MessageAttributes = {
      text: { DataType: 'String', StringValue: 'Zürich 東京' },
      count: { DataType: 'Number.int', StringValue: '7' },
      bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) },
    };
    await send(queue, 'x', { MessageAttributes });
    const [some] = await receive(queue, { MessageAttributeNames: ['te.*', 'bytes'], VisibilityTimeout: 0 });
    expect(Object.keys(some?.MessageAttributes ?? {}).sort()).toEqual(['bytes', 'text']);
    const [all] = await receive(queue, { MessageAttributeNames: ['All'] });
    expect(all?.MessageAttributes?.text?.StringValue).toBe('Zürich 東京');
    expect(Buffer.from(all?.MessageAttributes?.bytes?.BinaryValue ?? [])).toEqual(Buffer.from([0, 255]));
  });

  test("is delayed by its own or the queue's delay", async () => {
    const queue = await newQueue({ DelaySeconds: '60' });
    await send(queue, 'later');
    await send(queue, 'now', { DelaySeconds: 0 });
    expect(bodies(await receive(queue))).toEqual(['now']);
    expect(await attribute(queue, 'ApproximateNumberOfMessagesDelayed')).toBe('1');
    expect(await attribute(queue, 'ApproximateNumberOfMessagesNotVisible')).toBe('1');
    running.advance(60_001);
    expect(bodies(await receive(queue))).toContain('later');
  });

  test('is kept no longer than the queue keeps them', async () => {
    const queue = await newQueue({ MessageRetentionPeriod: '60' });
    await send(queue, 'old');
    running.advance(60_001);
    expect(await receive(queue)).toEqual([]);
    expect(await attribute(queue, 'ApproximateNumberOfMessages')).toBe('0');
  });

  test('may be as large as the queue allows, attributes counted in', async () => {
    const queue = await newQueue();
    await send(queue, 'x'.repeat(1_048_576));
    await expect(send(queue, 'x'.repeat(1_048_577))).rejects.toThrow('must be shorter than 1048576 bytes');
    const small = await newQueue({ MaximumMessageSize: '1024' });
    await expect(send(small, 'ü'.repeat(513))).rejects.toThrow('must be shorter than 1024 bytes');
  });

  test('has only characters that SQS takes', async () => {
    const queue = await newQueue();
    await send(queue, 'tab\t line\n \u{1F600}');
    await expect(send(queue, 'bell \u0007')).rejects.toMatchObject({ name: 'InvalidMessageContents' });
  });

  test('survives a restart, in flight or not', async () => {
    await using first = await startTestAws();
    const queue = { QueueName: 'kept' };
    const { QueueUrl } = await first.aws.call<{ QueueUrl: string }>('sqs', 'CreateQueue', queue);
    await first.aws.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'one' });
    await first.aws.call('sqs', 'ReceiveMessage', { QueueUrl, VisibilityTimeout: 60 });
    await first.aws.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'two' });
    await using second = await first.restart();
    // The URL of before the restart, with its old port, still names the queue.
    const input = { QueueUrl, MaxNumberOfMessages: 10 };
    const now = await second.aws.call<{ Messages: Message[] }>('sqs', 'ReceiveMessage', input);
    expect(bodies(now.Messages)).toEqual(['two']);
    second.advance(60_001);
    const later = await second.aws.call<{ Messages: Message[] }>('sqs', 'ReceiveMessage', input);
    expect(bodies(later.Messages)).toEqual(['one', 'two']);
  });
});

describe('a waiting receive', () => {
  test('returns as soon as something is sent', async () => {
    const queue = await newQueue();
    const waiting = receive(queue, { WaitTimeSeconds: 20 });
    await send(queue, 'at last');
    expect(bodies(await waiting)).toEqual(['at last']);
  });

  test('returns when a hidden message comes into sight', async () => {
    const queue = await newQueue();
    await send(queue, 'hidden');
    const [message] = await receive(queue, { VisibilityTimeout: 100 });
    const waiting = receive(queue, { WaitTimeSeconds: 20 });
    const { ReceiptHandle } = message ?? {};
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queue, ReceiptHandle, VisibilityTimeout: 0 }));
    expect(bodies(await waiting)).toEqual(['hidden']);
  });

  test('returns empty when its time is over', async () => {
    const queue = await newQueue({ ReceiveMessageWaitTimeSeconds: '1' });
    const startedAt = Date.now();
    expect(await receive(queue)).toEqual([]);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990);
  });

  test('whose client has hung up takes nothing', async () => {
    const queue = await newQueue();
    const abort = new AbortController();
    const command = new ReceiveMessageCommand({ QueueUrl: queue, WaitTimeSeconds: 20 });
    const waiting = sqs.send(command, { abortSignal: abort.signal });
    const gone = expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    // Only once another request of the same client has been answered has the waiting one certainly arrived.
    await attribute(queue, 'QueueArn');
    abort.abort();
    await gone;
    await attribute(queue, 'QueueArn');
    await send(queue, 'for another consumer');
    expect(bodies(await receive(queue, { WaitTimeSeconds: 1 }))).toEqual(['for another consumer']);
  });

  test('of a queue that is deleted ends with an error', async () => {
    const queue = await newQueue();
    const waiting = receive(queue, { WaitTimeSeconds: 20 });
    await sqs.send(new DeleteQueueCommand({ QueueUrl: queue }));
    await expect(waiting).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });
});

describe('a batch', () => {
  test('answers for each of its entries', async () => {
    const queue = await newQueue();
    const Entries = [
      { Id: 'a', MessageBody: 'good' },
      { Id: 'b', MessageBody: 'bad \u0001' },
    ];
    const { Successful, Failed } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
    expect(Successful).toMatchObject([{ Id: 'a' }]);
    expect(Failed).toMatchObject([{ Id: 'b', SenderFault: true, Code: 'InvalidMessageContents' }]);
    const [message] = await receive(queue);
    const { ReceiptHandle } = message ?? {};
    const hidden = { QueueUrl: queue, Entries: [{ Id: 'x', ReceiptHandle, VisibilityTimeout: 500 }] };
    expect((await sqs.send(new ChangeMessageVisibilityBatchCommand(hidden))).Successful).toEqual([{ Id: 'x' }]);
    const deletions = [
      { Id: 'x', ReceiptHandle },
      { Id: 'y', ReceiptHandle: 'nonsense' },
    ];
    const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queue, Entries: deletions }));
    expect(deleted.Successful).toEqual([{ Id: 'x' }]);
    expect(deleted.Failed).toMatchObject([{ Id: 'y', Code: 'ReceiptHandleIsInvalid' }]);
  });

  test('is refused as a whole when it is none', async () => {
    const QueueUrl = await newQueue();
    const batch = (Entries: { Id: string; MessageBody: string }[]) =>
      sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const entry = (Id: string, MessageBody = 'x') => ({ Id, MessageBody });
    await expect(batch([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' });
    const eleven = Array.from({ length: 11 }, (_, index) => entry(`${index}`));
    await expect(batch(eleven)).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(batch([entry('a'), entry('a')])).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
    await expect(batch([entry('a b')])).rejects.toMatchObject({ name: 'InvalidBatchEntryId' });
    const large = [entry('a', 'x'.repeat(600_000)), entry('b', 'x'.repeat(600_000))];
    await expect(batch(large)).rejects.toMatchObject({ name: 'BatchRequestTooLong' });
    expect(await receive(QueueUrl)).toEqual([]);
  });
});

describe('a queue', () => {
  test('is found, listed, tagged and counted', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'found-me', tags: { a: '1' } }));
    expect(QueueUrl).toBe(`${running.client.endpoint}/000000000000/found-me`);
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'found-me' }))).QueueUrl).toBe(QueueUrl);
    const { QueueUrls } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'found' }));
    expect(QueueUrls).toEqual([QueueUrl]);
    await sqs.send(new TagQueueCommand({ QueueUrl, Tags: { b: '2' } }));
    expect((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ a: '1', b: '2' });
    await send(QueueUrl ?? '', 'x');
    const all = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
    expect((await sqs.send(all)).Attributes).toMatchObject({
      QueueArn: 'arn:aws:sqs:eu-west-1:000000000000:found-me',
      ApproximateNumberOfMessages: '1',
      VisibilityTimeout: '30',
      MaximumMessageSize: '1048576',
    });
  });

  test('names are listed page by page', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await sqs.send(new CreateQueueCommand({ QueueName: name }));
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'page-', MaxResults: 2, NextToken }));
      names.push(...(page.QueueUrls ?? []).map((url) => url.split('/').at(-1) ?? ''));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(names).toEqual(['page-1', 'page-2', 'page-3']);
  });

  test('can be made again only as it is', async () => {
    const create = (DelaySeconds: string) =>
      sqs.send(new CreateQueueCommand({ QueueName: 'again', Attributes: { DelaySeconds } }));
    const first = await create('3');
    expect((await create('3')).QueueUrl).toBe(first.QueueUrl);
    await expect(create('4')).rejects.toMatchObject({ name: 'QueueNameExists' });
  });

  test.each([
    [{ FifoQueue: 'false' }, 'InvalidAttributeName'],
    [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    [{ DelaySeconds: 'soon' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: '{"maxReceiveCount":1}' }, 'InvalidParameterValue'],
    [
      { RedrivePolicy: '{"maxReceiveCount":1,"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:none"}' },
      'InvalidParameterValue',
    ],
  ])('is not made with %j', async (attributes, name) => {
    await expect(newQueue(attributes)).rejects.toMatchObject({ name });
  });

  test('is not FIFO', async () => {
    const fifo = new CreateQueueCommand({ QueueName: 'q.fifo', Attributes: { FifoQueue: 'true' } });
    await expect(sqs.send(fifo)).rejects.toThrow('FIFO queues are not part of this endpoint');
  });

  test('can be purged once a minute', async () => {
    const QueueUrl = await newQueue();
    await send(QueueUrl, 'x');
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await receive(QueueUrl)).toEqual([]);
    await expect(sqs.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({ name: 'PurgeQueueInProgress' });
    running.advance(60_001);
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  });

  test('that is missing is reported as missing, by its old name, too', async () => {
    const QueueUrl = `${running.client.endpoint}/000000000000/none`;
    await expect(send(QueueUrl, 'x')).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      message: 'The specified queue does not exist.',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('reports to the journal what came, by name only', async () => {
    const queue = await newQueue();
    await send(queue, 'secret body');
    const entry = running.journal.findLast(({ kind }) => kind === 'message-sent');
    expect(entry).toMatchObject({ subject: queue.split('/').at(-1), text: 'message sent' });
  });
});

describe('a dead letter', () => {
  test('keeps id, attributes and count, and names where it came from', async () => {
    const { main, dead } = await withDeadLetters(2);
    const MessageAttributes = { a: { DataType: 'String', StringValue: '1' } };
    const { MessageId } = await send(main, 'poison', { MessageAttributes });
    await receive(main, { VisibilityTimeout: 0 });
    await receive(main, { VisibilityTimeout: 0 });
    expect(await receive(main)).toEqual([]);
    const [letter] = await receive(dead, { MessageAttributeNames: ['All'], WaitTimeSeconds: 1 });
    expect(letter).toMatchObject({
      MessageId,
      Body: 'poison',
      Attributes: {
        ApproximateReceiveCount: '3',
        DeadLetterQueueSourceArn: await attribute(main, 'QueueArn'),
      },
      MessageAttributes: { a: { StringValue: '1' } },
    });
    const { queueUrls } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(queueUrls).toEqual([main]);
  });

  test('goes only to a queue that lets it', async () => {
    const dead = await newQueue({ RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' });
    const deadLetterTargetArn = await attribute(dead, 'QueueArn');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 });
    await expect(newQueue({ RedrivePolicy })).rejects.toThrow('does not allow');
    const Attributes = { RedriveAllowPolicy: '{"redrivePermission":"allowAll"}' };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: dead, Attributes }));
    await newQueue({ RedrivePolicy });
  });
});

describe('a move task', () => {
  const list = async (SourceArn: string) => {
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    return Results?.[0];
  };

  test('brings dead letters back to where they came from, as new messages', async () => {
    const { main, dead, deadArn } = await withDeadLetters();
    await bury(main, dead, 3);
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn }));
    await vi.waitFor(async () => expect((await list(deadArn))?.Status).toBe('COMPLETED'));
    const task = await list(deadArn);
    expect(task).toMatchObject({ ApproximateNumberOfMessagesMoved: 3, ApproximateNumberOfMessagesToMove: 3 });
    expect(task?.TaskHandle).toBeUndefined();
    const back = await receive(main);
    expect(bodies(back)).toEqual(['dead 0', 'dead 1', 'dead 2']);
    expect(back.map((message) => message.Attributes?.ApproximateReceiveCount)).toEqual(['1', '1', '1']);
  });

  test('with a rate can be cancelled, and only while it runs', async () => {
    const { main, dead, deadArn } = await withDeadLetters();
    await bury(main, dead, 3);
    const start = { SourceArn: deadArn, MaxNumberOfMessagesPerSecond: 1 };
    const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand(start));
    await expect(sqs.send(new StartMessageMoveTaskCommand(start))).rejects.toThrow('already a task running');
    expect((await list(deadArn))?.TaskHandle).toBe(TaskHandle);
    await sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
    await vi.waitFor(async () => expect((await list(deadArn))?.Status).toBe('CANCELLED'));
    await expect(sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }))).rejects.toThrow('active tasks');
    const left = Number(await attribute(dead, 'ApproximateNumberOfMessages'));
    expect(left).toBeGreaterThan(0);
  });

  test('goes on after a restart', async () => {
    await using first = await startTestAws();
    const call = first.aws.call;
    const urls = ['dead', 'main'].map((name) => `${first.aws.origin}/000000000000/${name}`);
    const [dead = '', main = ''] = urls;
    const SourceArn = 'arn:aws:sqs:eu-west-1:000000000000:dead';
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 1 });
    await call('sqs', 'CreateQueue', { QueueName: 'dead' });
    await call('sqs', 'CreateQueue', { QueueName: 'main', Attributes: { RedrivePolicy } });
    for (const MessageBody of ['a', 'b']) await call('sqs', 'SendMessage', { QueueUrl: main, MessageBody });
    for (let index = 0; index < 3; index++) {
      const all = { QueueUrl: main, VisibilityTimeout: 0, MaxNumberOfMessages: 10 };
      await call('sqs', 'ReceiveMessage', all);
    }
    await call('sqs', 'StartMessageMoveTask', { SourceArn, MaxNumberOfMessagesPerSecond: 100 });
    await using second = await first.restart();
    await vi.waitFor(async () => {
      const tasks = await second.aws.call('sqs', 'ListMessageMoveTasks', { SourceArn });
      expect(tasks).toMatchObject({ Results: [{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 2 }] });
    });
    const all = { QueueUrl: main, MaxNumberOfMessages: 10 };
    const { Messages } = await second.aws.call<{ Messages: Message[] }>('sqs', 'ReceiveMessage', all);
    expect(bodies(Messages)).toEqual(['a', 'b']);
    expect(await second.aws.call('sqs', 'ReceiveMessage', { QueueUrl: dead })).toEqual({});
  });

  test('needs a dead-letter queue', async () => {
    const plain = await newQueue();
    const SourceArn = await attribute(plain, 'QueueArn');
    const start = sqs.send(new StartMessageMoveTaskCommand({ SourceArn }));
    await expect(start).rejects.toThrow('must be configured as a Dead Letter Queue');
  });
});
