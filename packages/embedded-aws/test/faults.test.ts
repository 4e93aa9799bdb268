/** What goes wrong when it is switched on: each fault strikes, where it is meant to and as often as it says. */
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Faults } from '../faults/faults.ts';
import { setUp } from './appflow/appflow-setup.ts';
import { inboundFlow, outboundFlow } from './appflow/flow-templates.ts';
import { startTestAws, type TestAws } from './embedded-aws.ts';
import { HostedBus, MACHINE } from './events/hosted-bus.ts';
import { HostedLambda } from './lambda/hosted-lambda.ts';

describe('over HTTP', () => {
  let running: TestAws;
  let sqs: SQSClient;
  let s3: S3Client;
  let faults: Faults;
  let QueueUrl: string;

  beforeAll(async () => {
    running = await startTestAws();
    sqs = new SQSClient(running.client);
    s3 = new S3Client(running.client);
    if (running.aws.faults === undefined) throw new Error('no faults');
    faults = running.aws.faults;
    await s3.send(new CreateBucketCommand({ Bucket: 'files' }));
  });
  beforeEach(async () => {
    faults.clear();
    const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `q${crypto.randomUUID()}` }));
    QueueUrl = url;
  });
  afterAll(async () => {
    sqs.destroy();
    s3.destroy();
    await running[Symbol.asyncDispose]();
  });

  const send = (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  const receive = async (WaitTimeSeconds = 0) => {
    const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds };
    return (await sqs.send(new ReceiveMessageCommand(input))).Messages ?? [];
  };
  const bodies = async (wait?: number) => (await receive(wait)).map(({ Body }) => Body);
  const address = () => `${running.client.endpoint}/_faults`;

  test('they are switched, listed, counted and cleared at their own address', async () => {
    const wrong = await fetch(address(), { method: 'POST', body: '{"earthquake": {}}' });
    expect([wrong.status, await wrong.json()]).toEqual([
      400,
      { error: expect.stringContaining('there are: throttled') },
    ]);
    const option = await fetch(address(), { method: 'POST', body: '{"throttled": {"servce": "sqs"}}' });
    expect([option.status, await option.json()]).toEqual([400, { error: expect.stringContaining('servce') }]);

    await fetch(address(), { method: 'POST', body: '{"throttled": {"service": "sqs", "times": 1}}' });
    expect(await (await fetch(address())).json()).toMatchObject({ active: { throttled: [{ service: 'sqs' }] } });
    await send('throttled once');
    expect(await (await fetch(address())).json()).toMatchObject({ active: {}, struck: { throttled: 1 } });

    faults.set({ lostEvents: [{ detailType: 'one' }, { detailType: 'other' }], slowCall: {} });
    await fetch(address(), { method: 'DELETE' });
    expect(await (await fetch(address())).json()).toMatchObject({ active: {}, available: { lostEvents: {} } });
  });

  test('a call is throttled as its service does it, and clients come again', async () => {
    faults.set({ throttled: { service: 'sqs', operation: 'SendMessage', resource: QueueUrl, every: 2 } });
    const impatient = new SQSClient({ ...running.client, maxAttempts: 1 });
    await impatient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'goes' }));
    await expect(impatient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'does not' }))).rejects.toMatchObject({
      name: 'RequestThrottled',
    });
    impatient.destroy();
    expect(await bodies()).toEqual(['goes']);
    await send('goes, too');
    await send('goes at the second attempt');
    expect((await bodies()).sort()).toEqual(['goes at the second attempt', 'goes, too']);

    faults.set({ throttled: { service: 's3', times: 1 } });
    const once = new S3Client({ ...running.client, maxAttempts: 1 });
    await expect(once.send(new PutObjectCommand({ Bucket: 'files', Key: 'k', Body: 'x' }))).rejects.toMatchObject({
      name: 'SlowDown',
    });
    once.destroy();
  });

  test('a service is away', async () => {
    faults.set({ unavailable: { service: 'sqs' } });
    const impatient = new SQSClient({ ...running.client, maxAttempts: 1 });
    await expect(impatient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 503 },
    });
    impatient.destroy();
    // A person is never hit.
    await running.aws.call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'by hand' });
    faults.clear();
    expect(await bodies()).toEqual(['by hand']);
  });

  test('an answer is lost, and the work is done: what is sent again is there twice', async () => {
    faults.set({ lostAnswer: { service: 'sqs', operation: 'SendMessage', times: 1 } });
    await send('twice');
    expect(await bodies()).toEqual(['twice', 'twice']);
  });

  test('a file that is there once is refused at the second attempt, although the first was ours', async () => {
    faults.set({ lostAnswer: { service: 's3', operation: 'PutObject', resource: 'once', times: 1 } });
    const put = s3.send(new PutObjectCommand({ Bucket: 'files', Key: 'once', Body: 'x', IfNoneMatch: '*' }));
    await expect(put).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  test('a call waits', async () => {
    faults.set({ slowCall: { service: 'sqs', operation: 'SendMessage', beforeMs: 60, afterMs: 60 } });
    const begun = performance.now();
    await send('slow');
    expect(performance.now() - begun).toBeGreaterThan(110);
  });

  test('a message comes late', async () => {
    faults.set({ lateMessages: { queue: 'q', withinMs: 30_000, times: 1 } });
    await send('late');
    await send('in time');
    expect(await bodies()).toEqual(['in time']);
    running.advance(30_001);
    expect(await bodies()).toContain('late');
  });

  test('a message that was deleted comes once more', async () => {
    faults.set({ repeatedMessages: { withinMs: 5_000, times: 1 } });
    await send('again');
    const [{ ReceiptHandle } = {}] = await receive();
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    expect(await bodies()).toEqual([]);
    running.advance(5_001);
    const [again] = await receive();
    expect(again?.Body).toBe('again');
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    running.advance(60_000);
    expect(await bodies()).toEqual([]);
  });

  test('a short poll overlooks what a long one finds', async () => {
    faults.set({ overlookedMessages: {} });
    await send('there');
    expect(await bodies()).toEqual([]);
    expect(await bodies(1)).toEqual(['there']);
  });
});

describe('the event bus', () => {
  test('delivers late, twice, and not at all', async () => {
    const hosted = new HostedBus();
    const { aws } = hosted;
    await hosted.rule('mine', [MACHINE]);
    aws.faults.set({ lateEvents: { rule: 'mine', withinMs: 4_000, times: 1 } });
    await hosted.deliver({ Detail: '{"n":1}' });
    expect(aws.executions).toHaveLength(0);
    await hosted.deliver({ Detail: '{"n":2}' });
    await aws.advance(4_000);
    expect(aws.executions.map(({ input }) => Object(input).detail.n)).toEqual([2, 1]);

    aws.faults.set({ repeatedEvents: { withinMs: 1_000, times: 1 } });
    await hosted.deliver({ Detail: '{"n":3}' });
    await aws.advance(1_000);
    const thrice = aws.executions.slice(2);
    expect(thrice.map(({ input }) => Object(input).detail.n)).toEqual([3, 3]);
    expect(new Set(thrice.map(({ name }) => name)).size).toBe(2);

    aws.faults.set({ lostEvents: { detailType: 'Changes available', times: 1 } });
    await hosted.deliver();
    expect([aws.executions.length, hosted.waiting]).toEqual([4, 0]);
    await hosted.deliver({ DetailType: 'other' });
    await hosted.deliver();
    expect(aws.executions).toHaveLength(6);
    expect(aws.faults.struck).toEqual({ lateEvents: 1, repeatedEvents: 1, lostEvents: 1 });
  });
});

describe('a function', () => {
  test('is killed in the middle of an invocation', async () => {
    await using hosted = new HostedLambda();
    hosted.register('exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));');
    hosted.aws.faults.set({ killedFunctions: { function: 'work', afterMs: 40, times: 1 } });
    const invoked = hosted.result({});
    const ticking = setInterval(() => void hosted.aws.advance(50), 20);
    await invoked;
    clearInterval(ticking);
    expect(await invoked).toMatchObject({ errorType: 'Runtime.ExitError' });
    hosted.register("exports.handler = async () => 'well';");
    expect(await hosted.result({})).toBe('well');
  });
});

describe('a flow', () => {
  test('fails, and dawdles', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(outboundFlow());
    setup.aws.faults.set({ failedRuns: { flow: 'contact', times: 1 } });
    expect(await setup.runOnDemand()).toMatchObject({ executionStatus: 'Error' });
    setup.aws.faults.set({ slowRuns: { beforeMs: 30, afterMs: 30, times: 1 } });
    const begun = performance.now();
    expect(await setup.runOnDemand()).toMatchObject({ executionStatus: 'Successful' });
    expect(performance.now() - begun).toBeGreaterThan(55);
  });

  test('refuses some rows', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(outboundFlow());
    setup.org.put('003A', 0, { LastName: 'old' });
    setup.org.put('003B', 0, { LastName: 'old' });
    const rows = 'Id,LastName,Amount__c,Active__c\n003A,new,1,true\n003B,new,1,true\n';
    setup.aws.objects.set('data/outbound/Contact/batch.csv', Buffer.from(rows));
    setup.aws.faults.set({ refusedRows: { every: 2 } });
    const run = await setup.runOnDemand();
    expect(run.executionResult.errorInfo?.putFailuresCount).toBe(1);
    expect(['003A', '003B'].map((id) => setup.org.records.get(id)?.LastName)).toEqual(['new', 'old']);
  });

  test('keeps silent, and is active all the same', async () => {
    await using setup = await setUp();
    await setup.appflow.putFlow(inboundFlow());
    await setup.appflow.start();
    setup.aws.faults.set({ silentRuns: { flow: 'contact-in', times: 1 } });
    expect(await setup.appflow.runScheduled('contact-in')).toBeUndefined();
    expect(await setup.call('DescribeFlow', { flowName: 'contact-in' })).toMatchObject({ flowStatus: 'Active' });
    expect(await setup.appflow.runScheduled('contact-in')).toMatchObject({ status: 'Successful' });
  });
});
