import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
  PublishBatchCommand,
  PublishCommand,
  type PublishCommandInput,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import type { Message } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type PublishedMessage, Sns } from '../sns/service.ts';
import { startTestAws, type TestAws } from './embedded-aws.ts';

const published: PublishedMessage[] = [];
let running: TestAws;
let sns: SNSClient;
let made = 0;

beforeAll(async () => {
  running = await startTestAws({
    services: (aws, store) => {
      const service = new Sns(aws, store, { onPublish: (message) => void published.push(message) });
      service.start();
      return { sns: { operations: service.operations, close: () => void service.stop() } };
    },
  });
  sns = new SNSClient(running.client);
});
afterAll(async () => {
  sns.destroy();
  await running[Symbol.asyncDispose]();
});

async function newTopic(): Promise<string> {
  made += 1;
  return (await sns.send(new CreateTopicCommand({ Name: `topic-${made}` }))).TopicArn ?? '';
}

/** A topic with a subscribed queue, and what the queue gets within the given time. */
async function withQueue(Attributes: Record<string, string> = {}) {
  const TopicArn = await newTopic();
  const QueueName = `queue-${made}`;
  const { QueueUrl } = await running.aws.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName });
  const Endpoint = `arn:aws:sqs:eu-west-1:000000000000:${QueueName}`;
  const subscribe = new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes });
  const { SubscriptionArn } = await sns.send(subscribe);
  const receive = async () => {
    const input = { QueueUrl, WaitTimeSeconds: 2, MessageAttributeNames: ['All'], MaxNumberOfMessages: 10 };
    const { Messages = [] } = await running.aws.call<{ Messages?: Message[] }>('sqs', 'ReceiveMessage', input);
    return Messages;
  };
  return { TopicArn, SubscriptionArn, receive };
}

function publish(input: Omit<PublishCommandInput, 'Message'> & { Message?: string }) {
  return sns.send(new PublishCommand({ Message: 'text', ...input }));
}

describe('a topic', () => {
  test('is made once, described and listed', async () => {
    const arn = await newTopic();
    const again = await sns.send(new CreateTopicCommand({ Name: arn.split(':').at(-1) }));
    expect(again.TopicArn).toBe(arn);
    const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: arn }));
    expect(Attributes).toMatchObject({ TopicArn: arn, SubscriptionsConfirmed: '0' });
    const { Topics } = await sns.send(new ListTopicsCommand({}));
    expect(Topics).toContainEqual({ TopicArn: arn });
  });

  test('that is missing is reported as missing', async () => {
    const missing = publish({ TopicArn: 'arn:aws:sns:eu-west-1:000000000000:none' });
    await expect(missing).rejects.toMatchObject({ name: 'NotFoundException', message: 'Topic does not exist' });
  });
});

describe('a published message', () => {
  test('reaches the host, the journal and a queue', async () => {
    const { TopicArn, receive } = await withQueue();
    const MessageAttributes = { kind: { DataType: 'String', StringValue: 'a & b' } };
    const { MessageId } = await publish({ TopicArn, Subject: 'Rejected <1>', Message: 'körper', MessageAttributes });
    const attributes = { kind: { DataType: 'String', StringValue: 'a & b' } };
    expect(published.at(-1)).toMatchObject({ topicArn: TopicArn, messageId: MessageId, message: 'körper', attributes });
    const entry = running.journal.findLast(({ kind }) => kind === 'notification');
    expect(entry).toMatchObject({ subject: TopicArn.split(':').at(-1), text: 'Rejected <1>' });
    const [message] = await receive();
    expect(JSON.parse(message?.Body ?? '')).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn,
      Subject: 'Rejected <1>',
      Message: 'körper',
      MessageAttributes: { kind: { Type: 'String', Value: 'a & b' } },
    });
  });

  test('is delivered raw where asked for', async () => {
    const { TopicArn, receive } = await withQueue({ RawMessageDelivery: 'true' });
    await publish({ TopicArn, MessageAttributes: { n: { DataType: 'Number', StringValue: '1' } } });
    const [message] = await receive();
    expect(message).toMatchObject({ Body: 'text', MessageAttributes: { n: { StringValue: '1' } } });
  });

  test('passes a filter or does not', async () => {
    const FilterPolicy = JSON.stringify({ kind: ['conflict', { prefix: 'reject' }], count: [{ numeric: ['>=', 2] }] });
    const { TopicArn, SubscriptionArn, receive } = await withQueue({ FilterPolicy, RawMessageDelivery: 'true' });
    const send = (Message: string, kind: string, count: string) =>
      publish({
        TopicArn,
        Message,
        MessageAttributes: {
          kind: { DataType: 'String', StringValue: kind },
          count: { DataType: 'Number', StringValue: count },
        },
      });
    await send('too few', 'conflict', '1');
    await send('other kind', 'success', '9');
    await publish({ TopicArn, Message: 'no attributes' });
    await send('right', 'rejected', '2');
    expect((await receive()).map((message) => message.Body)).toEqual(['right']);
    const change = { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: '{}' };
    await sns.send(new SetSubscriptionAttributesCommand(change));
    await send('anything', 'success', '0');
    expect((await receive()).map((message) => message.Body)).toEqual(['anything']);
  });

  test('has its own text for a protocol', async () => {
    const { TopicArn, receive } = await withQueue({ RawMessageDelivery: 'true' });
    const Message = JSON.stringify({ default: 'for all', sqs: 'for queues' });
    await publish({ TopicArn, Message, MessageStructure: 'json' });
    expect((await receive()).map((message) => message.Body)).toEqual(['for queues']);
    expect(published.at(-1)?.message).toBe('for all');
  });

  test('of a batch is answered for by itself', async () => {
    const { TopicArn, receive } = await withQueue({ RawMessageDelivery: 'true' });
    const PublishBatchRequestEntries = [
      { Id: 'a', Message: 'good' },
      { Id: 'b', Message: 'bad', Subject: 'two\nlines' },
    ];
    const batch = new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries });
    const { Successful, Failed } = await sns.send(batch);
    expect(Successful).toMatchObject([{ Id: 'a' }]);
    expect(Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameter', SenderFault: true }]);
    expect((await receive()).map((message) => message.Body)).toEqual(['good']);
  });

  test('is refused when it is empty or its subject is no subject', async () => {
    const TopicArn = await newTopic();
    await expect(publish({ TopicArn, Message: '' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(publish({ TopicArn, Subject: 'x'.repeat(101) })).rejects.toThrow('Invalid parameter: Subject');
  });

  test('goes to a dead-letter queue when its queue is gone', async () => {
    const dead = await withQueue();
    const deadLetterTargetArn = `arn:aws:sqs:eu-west-1:000000000000:queue-${made}`;
    const lost = await withQueue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn }) });
    const QueueUrl = `${running.aws.origin}/000000000000/queue-${made}`;
    await running.aws.call('sqs', 'DeleteQueue', { QueueUrl });
    await publish({ TopicArn: lost.TopicArn, Message: 'nowhere to go' });
    const [message] = await dead.receive();
    expect(JSON.parse(message?.Body ?? '')).toMatchObject({ Message: 'nowhere to go' });
    expect(running.journal.findLast(({ kind }) => kind === 'fault')?.text).toContain('could not be reached');
  });
});

describe('a subscription', () => {
  test('is listed until it is ended', async () => {
    const { TopicArn, SubscriptionArn, receive } = await withQueue();
    const list = async () => (await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))).Subscriptions ?? [];
    expect(await list()).toMatchObject([{ SubscriptionArn, Protocol: 'sqs' }]);
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    expect(await list()).toEqual([]);
    const other = await withQueue();
    await publish({ TopicArn });
    await publish({ TopicArn: other.TopicArn });
    expect(await other.receive()).toHaveLength(1);
    void receive;
  });

  test('of a mail address stays pending, and is not written to', async () => {
    const TopicArn = await newTopic();
    const subscribe = new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'a@example.com' });
    expect((await sns.send(subscribe)).SubscriptionArn).toBe('pending confirmation');
    const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    expect(Subscriptions).toMatchObject([{ SubscriptionArn: 'PendingConfirmation', Endpoint: 'a@example.com' }]);
  });

  test('by a protocol that is not delivered to is refused', async () => {
    const TopicArn = await newTopic();
    const subscribe = new SubscribeCommand({ TopicArn, Protocol: 'sms', Endpoint: '+4912345' });
    await expect(sns.send(subscribe)).rejects.toThrow('sms is not delivered to here');
    const filter = new SubscribeCommand({
      TopicArn,
      Protocol: 'email',
      Endpoint: 'a@b',
      Attributes: { FilterPolicy: '{"a": 1}' },
    });
    await expect(sns.send(filter)).rejects.toThrow('FilterPolicy');
  });

  test('over HTTP is confirmed by its link, and then gets what is published, again if need be', async () => {
    const got: { type: string | undefined; body: Record<string, string> }[] = [];
    let refusals = 2;
    await using server = await listening(async (type, body) => {
      got.push({ type, body: JSON.parse(body) as Record<string, string> });
      return type === 'Notification' && refusals-- > 0 ? 503 : 200;
    });
    const TopicArn = await newTopic();
    const subscribe = { TopicArn, Protocol: 'http', Endpoint: server.address, ReturnSubscriptionArn: true };
    const { SubscriptionArn } = await sns.send(new SubscribeCommand(subscribe));
    await vi.waitFor(() => expect(got).toHaveLength(1));
    await publish({ TopicArn, Message: 'before it is confirmed' });
    expect(got[0]).toMatchObject({ type: 'SubscriptionConfirmation', body: { TopicArn } });
    const confirmed = await fetch(got[0]?.body.SubscribeURL ?? '');
    expect(await confirmed.text()).toContain(SubscriptionArn);
    const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
    expect(Attributes?.PendingConfirmation).toBe('false');
    await publish({ TopicArn, Message: 'after it' });
    await vi.waitFor(() => expect(got).toHaveLength(4));
    expect(got.slice(1).map(({ body }) => body.Message)).toEqual(['after it', 'after it', 'after it']);
  });
});

async function listening(answer: (type: string | undefined, body: string) => Promise<number>) {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const type = request.headers['x-amz-sns-message-type'];
    response.statusCode = await answer(type === undefined ? undefined : String(type), Buffer.concat(chunks).toString());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
