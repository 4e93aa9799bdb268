import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redriveChanges } from '../../cli/redrive/changes.ts';
import { redriveEvents } from '../../cli/redrive/events.ts';
import { type ExecutionsOptions, redriveExecutions } from '../../cli/redrive/executions.ts';
import { PIPELINES } from '../../core/contracts/dead-letters.ts';
import { executionName } from '../../core/contracts/storage-layout.ts';
import { type DeployedStack, OBJECTS, startDeployedStack } from './deployed-stack.ts';

const DAY_MS = 86_400_000;
let stack: DeployedStack;

beforeEach(async () => {
  stack = await startDeployedStack();
});
afterEach(() => stack[Symbol.asyncDispose]());

describe('redrive changes', () => {
  async function deadLetters(object: string, bodies: readonly string[]): Promise<void> {
    const QueueUrl = stack.output(`ChangeQueueUrl${object}`);
    for (const MessageBody of bodies) await stack.call('sqs', 'SendMessage', { QueueUrl, MessageBody });
    // Two receives are one too many: the second one finds them moved.
    for (let i = 0; i < 2; i++) await stack.call('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 });
    expect(await stack.count(stack.output(`ChangeDeadLetterQueueUrl${object}`))).toBe(bodies.length);
  }

  test('moves dead letters back to the queue of their object, and announces the object', async () => {
    await deadLetters('Contact', ['1', '2', '3']);
    expect(await redriveChanges(stack.operator(), OBJECTS, 1)).toBe(0);
    expect(stack.printed).toEqual([
      'Account: no dead letters',
      'Contact: 3 messages moved back to the change queue',
      'Opportunity: no dead letters',
    ]);
    expect(await stack.announced(1)).toEqual(['Contact']);
    expect(await stack.count(stack.output('ChangeDeadLetterQueueUrlContact'))).toBe(0);
    const back = await stack.take(stack.output('ChangeQueueUrlContact'), 3);
    expect(back.map(({ body }) => body).sort()).toEqual(['1', '2', '3']);
  });

  test('of one object leaves the others alone; a dry run moves nothing', async () => {
    await deadLetters('Contact', ['1']);
    await deadLetters('Account', ['2']);
    expect(await redriveChanges(stack.operator({ dryRun: true }), OBJECTS, 1)).toBe(0);
    expect(stack.printed).toContain('Contact: about 1 message would go back to the change queue');
    expect(await stack.count(stack.output('ChangeDeadLetterQueueUrlContact'))).toBe(1);
    await redriveChanges(stack.operator(), ['Account'], 1);
    expect(await stack.count(stack.output('ChangeDeadLetterQueueUrlAccount'))).toBe(0);
    expect(await stack.count(stack.output('ChangeDeadLetterQueueUrlContact'))).toBe(1);
  });

  test('follows a move that another session has begun', async () => {
    await deadLetters('Contact', ['1', '2', '3', '4']);
    const SourceArn = 'arn:aws:sqs:eu-west-1:000000000000:dead-Contact';
    await stack.call('sqs', 'StartMessageMoveTask', { SourceArn, MaxNumberOfMessagesPerSecond: 20 });
    expect(await redriveChanges(stack.operator(), ['Contact'], 1)).toBe(0);
    expect(stack.printed).toEqual(['Contact: 4 messages moved back to the change queue']);
  });

  test('counts the messages that are in flight just now', async () => {
    await deadLetters('Contact', ['1']);
    const QueueUrl = stack.output('ChangeDeadLetterQueueUrlContact');
    await stack.call('sqs', 'ReceiveMessage', { QueueUrl, VisibilityTimeout: 600 });
    expect(await redriveChanges(stack.operator(), ['Contact'], 1)).toBe(1);
    expect(stack.printed).toEqual([
      'Contact: about 1 message in flight, not moved; run it again later',
      'Contact: no dead letters',
    ]);
  });
});

describe('redrive executions', () => {
  const FILE = { bucket: 'files', key: 'salesforce/Contact/f/r/1', size: 1, putAt: '2026-01-01T00:00:00Z' };
  const inboundFailures = () => stack.output('SalesforceToPostgresDeadLetterQueueUrl');
  const outboundFailures = () => stack.output('PostgresToSalesforceDeadLetterQueueUrl');

  function redrive(options: Partial<ExecutionsOptions> = {}, dryRun = false): Promise<number> {
    return redriveExecutions(stack.operator({ dryRun }), PIPELINES, { again: false, discard: [], ...options });
  }

  /** A failed execution, whose message has come to the dead-letter queue. */
  async function failed(pipeline: (typeof PIPELINES)[number], input: object): Promise<string> {
    const url = pipeline === 'salesforce-to-postgres' ? inboundFailures() : outboundFailures();
    const before = await stack.count(url);
    const execution = await stack.run(pipeline, input);
    await expect.poll(() => stack.count(url)).toBe(before + 1);
    return execution;
  }

  test('lets them go on where they failed, and removes their messages', async () => {
    const inbound = await failed('salesforce-to-postgres', FILE);
    const outbound = await failed('postgres-to-salesforce', { object: 'Contact', trigger: 'changes' });
    const applied = await stack.mend('salesforce-to-postgres');
    const pushed = await stack.mend('postgres-to-salesforce');
    expect(await redrive()).toBe(0);
    expect(stack.printed).toEqual([
      `salesforce-to-postgres: ${executionName(inbound)} is redriven`,
      `postgres-to-salesforce: ${executionName(outbound)} is redriven`,
    ]);
    expect((await stack.take(applied, 1)).map(({ body }) => JSON.parse(body))).toEqual([FILE]);
    await stack.take(pushed, 1);
    expect(await stack.count(inboundFailures())).toBe(0);
    expect(await stack.count(outboundFailures())).toBe(0);
  });

  test('of one that fails once more brings a new message', async () => {
    const inbound = await failed('salesforce-to-postgres', FILE);
    await redrive();
    await expect.poll(() => stack.count(inboundFailures())).toBe(1);
    await stack.mend('salesforce-to-postgres');
    stack.printed.splice(0);
    expect(await redrive()).toBe(0);
    expect(stack.printed[0]).toBe(`salesforce-to-postgres: ${executionName(inbound)} is redriven`);
  });

  test('prints what it would do in a dry run, and leaves the messages to be seen', async () => {
    const inbound = await failed('salesforce-to-postgres', FILE);
    expect(await redrive({}, true)).toBe(0);
    expect(stack.printed[0]).toBe(`salesforce-to-postgres: ${executionName(inbound)} would be redriven`);
    expect(stack.printed[1]).toBe('postgres-to-salesforce: no failed executions');
    expect(await stack.call('states', 'DescribeExecution', { executionArn: inbound })).toMatchObject({
      status: 'FAILED',
    });
    expect(await stack.take(inboundFailures(), 1)).toHaveLength(1);
  });

  test('knows that one has succeeded since, also when it was announced twice', async () => {
    const inbound = await failed('salesforce-to-postgres', FILE);
    const stateMachine = stack.output('SalesforceToPostgresStateMachineArn');
    const MessageBody = JSON.stringify({ execution: inbound, stateMachine, status: 'FAILED' });
    await stack.call('sqs', 'SendMessage', { QueueUrl: inboundFailures(), MessageBody });
    await stack.take(await stack.mend('salesforce-to-postgres'), 0);
    await stack.call('states', 'RedriveExecution', { executionArn: inbound });
    await expect
      .poll(() => stack.call('states', 'DescribeExecution', { executionArn: inbound }))
      .toMatchObject({ status: 'SUCCEEDED' });
    expect(await redrive()).toBe(0);
    expect(stack.printed[0]).toBe(
      `salesforce-to-postgres: ${executionName(inbound)}: it has succeeded since; its message is removed`,
    );
    expect(stack.printed[1]).toBe(stack.printed[0]);
    expect(await stack.count(inboundFailures())).toBe(0);
  });

  test('keeps a file whose execution is too old, and starts a new one when asked to', async () => {
    const inbound = await failed('salesforce-to-postgres', FILE);
    const applied = await stack.mend('salesforce-to-postgres');
    stack.running.advance(13.5 * DAY_MS);
    // What was sent again a day ago is younger than its execution.
    const [letter] = await stack.take(inboundFailures(), 1);
    const QueueUrl = inboundFailures();
    await stack.call('sqs', 'SendMessage', { QueueUrl, MessageBody: letter?.body });
    stack.running.advance(DAY_MS);
    expect(await redrive()).toBe(1);
    expect(stack.printed[0]).toMatch(
      new RegExp(
        `^salesforce-to-postgres: ${executionName(inbound)} stays: it cannot be redriven: .*14 days.*; --again starts a new execution`,
      ),
    );
    expect(await stack.count(inboundFailures())).toBe(1);
    expect(await redrive({ again: true })).toBe(0);
    expect((await stack.take(applied, 1)).map(({ body }) => JSON.parse(body))).toEqual([FILE]);
    expect(await stack.count(inboundFailures())).toBe(0);
  });

  test('leaves the batch of an old outbound execution to the next one, and announces its object', async () => {
    const outbound = await failed('postgres-to-salesforce', { object: 'Contact', trigger: 'schedule' });
    stack.running.advance(13.5 * DAY_MS);
    const [letter] = await stack.take(outboundFailures(), 1);
    await stack.call('sqs', 'SendMessage', { QueueUrl: outboundFailures(), MessageBody: letter?.body });
    stack.running.advance(DAY_MS);
    expect(await redrive()).toBe(0);
    expect(stack.printed[1]).toContain(`${executionName(outbound)}: it cannot be redriven`);
    expect(stack.printed[1]).toContain('is still due, and the next execution of the object takes it up');
    expect(await stack.announced(1)).toEqual(['Contact']);
    expect(await stack.count(outboundFailures())).toBe(0);
  });

  test('discards what is named, and keeps a message that is none of ours', async () => {
    const file = await failed('salesforce-to-postgres', FILE);
    await stack.call('sqs', 'SendMessage', { QueueUrl: inboundFailures(), MessageBody: 'hello' });
    expect(await redrive({ discard: [executionName(file)] })).toBe(1);
    expect(stack.printed[0]).toBe(
      `salesforce-to-postgres: ${executionName(file)}: discarded, as you ask; its message is removed`,
    );
    expect(stack.printed[1]).toMatch(/^salesforce-to-postgres: message \S+ names no failed execution; it stays$/);
    expect((await stack.take(inboundFailures(), 1)).map(({ body }) => body)).toEqual(['hello']);
    expect(await stack.call('states', 'DescribeExecution', { executionArn: file })).toMatchObject({ status: 'FAILED' });
  });

  test('goes through more messages than one receive brings', async () => {
    for (let i = 0; i < 23; i++) await stack.run('salesforce-to-postgres', { ...FILE, size: i });
    await expect.poll(() => stack.count(inboundFailures())).toBe(23);
    const applied = await stack.mend('salesforce-to-postgres');
    expect(await redrive()).toBe(0);
    const sizes = (await stack.take(applied, 23)).map(({ body }) => JSON.parse(body).size as number);
    expect(sizes.sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i));
  });
});

describe('redrive events', () => {
  const NOWHERE = 'arn:aws:states:eu-west-1:000000000000:stateMachine:gone';

  /** A rule whose target is not there, so that what matches goes to `queueUrl`. */
  async function undeliverable(pattern: object, queueUrl: string, target = NOWHERE): Promise<void> {
    const Arn = `arn:aws:sqs:eu-west-1:000000000000:${queueUrl.slice(queueUrl.lastIndexOf('/') + 1)}`;
    await stack.call('events', 'PutRule', { Name: 'broken', EventPattern: JSON.stringify(pattern) });
    const Targets = [
      { Id: 'one', Arn: target, RoleArn: 'arn:aws:iam::000000000000:role/r', DeadLetterConfig: { Arn } },
    ];
    await stack.call('events', 'PutTargets', { Rule: 'broken', Targets });
  }

  test('starts the execution of a file whose event was not delivered, once', async () => {
    const undelivered = stack.output('SalesforceToPostgresUndeliveredEventsQueueUrl');
    await undeliverable({ source: ['aws.s3'] }, undelivered);
    await stack.call('s3', 'PutBucketNotificationConfiguration', {
      Bucket: 'files',
      NotificationConfiguration: { EventBridgeConfiguration: {} },
    });
    await stack.call('s3', 'PutObject', { Bucket: 'files', Key: 'salesforce/Contact/f/r/1', Body: 'four' });
    await expect.poll(() => stack.count(undelivered)).toBe(1);
    const applied = await stack.mend('salesforce-to-postgres');
    expect(await redriveEvents(stack.operator({ dryRun: true }))).toBe(0);
    expect(stack.printed.splice(0)).toEqual(['salesforce/Contact/f/r/1: its execution would be started']);
    expect(await redriveEvents(stack.operator())).toBe(0);
    expect(stack.printed.splice(0)).toEqual(['salesforce/Contact/f/r/1: its execution is started']);
    expect((await stack.take(applied, 1)).map(({ body }) => JSON.parse(body))).toEqual([
      { bucket: 'files', key: 'salesforce/Contact/f/r/1', size: 4, putAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    expect(await redriveEvents(stack.operator())).toBe(0);
    expect(stack.printed).toEqual(['every event and notice was delivered']);
  });

  test('announces changes again, once for each object', async () => {
    const undelivered = stack.output('PostgresToSalesforceUndeliveredEventsQueueUrl');
    await undeliverable({ source: ['sfsync'] }, undelivered);
    const Entries = ['Contact', 'Account', 'Contact'].map((object) => ({
      Source: 'sfsync',
      DetailType: 'Changes available',
      Detail: JSON.stringify({ object }),
    }));
    await stack.call('events', 'PutEvents', { Entries });
    await expect.poll(() => stack.count(undelivered)).toBe(3);
    await stack.announced(3);
    await stack.call('events', 'RemoveTargets', { Rule: 'broken', Ids: ['one'] });
    expect(await redriveEvents(stack.operator())).toBe(0);
    expect(await stack.announced(2)).toEqual(['Account', 'Contact']);
    expect(await stack.count(undelivered)).toBe(0);
  });

  test('gives a failed execution to its dead-letter queue, and its notice to people', async () => {
    const undelivered = stack.output('UndeliveredNoticesQueueUrl');
    const queueTarget = 'arn:aws:sqs:eu-west-1:000000000000:gone';
    const detail = { status: ['FAILED'] };
    await undeliverable({ source: ['aws.states'], detail }, undelivered, queueTarget);
    const execution = await stack.run('postgres-to-salesforce', { object: 'Contact', trigger: 'changes' });
    await expect.poll(() => stack.count(undelivered)).toBe(1);
    const failures = stack.output('PostgresToSalesforceDeadLetterQueueUrl');
    await stack.take(failures, 1);
    // The same event did not reach the function either.
    const [letter] = await stack.take(undelivered, 1);
    for (const StringValue of [queueTarget, 'arn:aws:lambda:eu-west-1:000000000000:function:notify']) {
      const MessageAttributes = { TARGET_ARN: { DataType: 'String', StringValue } };
      await stack.call('sqs', 'SendMessage', { QueueUrl: undelivered, MessageBody: letter?.body, MessageAttributes });
    }
    expect(letter?.attributes.TARGET_ARN).toBe(queueTarget);
    expect(await redriveEvents(stack.operator())).toBe(0);
    expect((await stack.take(failures, 1)).map(({ body }) => JSON.parse(body))).toEqual([
      { execution, stateMachine: stack.output('PostgresToSalesforceStateMachineArn'), status: 'FAILED' },
    ]);
    expect(stack.published.map(({ subject }) => subject)).toEqual(['sfsync: Contact: postgres-to-salesforce FAILED']);
    expect(await stack.count(undelivered)).toBe(0);
  });

  test('publishes a notice that the function could not, forgets ticks, keeps what it does not know', async () => {
    const notices = stack.output('UndeliveredNoticesQueueUrl');
    const notice = { about: 'circuit', object: 'Contact', execution: 'a:b', state: 'open', reason: 'away' };
    const tick = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
    for (const body of [JSON.stringify(notice), JSON.stringify(tick), '{"about":"else"}']) {
      await stack.call('sqs', 'SendMessage', { QueueUrl: notices, MessageBody: body });
    }
    expect(await redriveEvents(stack.operator())).toBe(1);
    expect(stack.published.map(({ subject }) => subject)).toEqual(['sfsync: Salesforce is away, Contact waits']);
    expect(stack.printed).toContain('a tick of the schedule, which has ticked again since: is removed');
    expect((await stack.take(notices, 1)).map(({ body }) => body)).toEqual(['{"about":"else"}']);
  });
});

test('a stack that an older version deployed is reported with what it lacks', async () => {
  const { aws } = stack.operator();
  const deployment = await aws.deployment();
  expect(deployment.changeDeadLettersUrl('Contact')).toBe(stack.output('ChangeDeadLetterQueueUrlContact'));
  expect(() => deployment.changeDeadLettersUrl('Loan__c')).toThrow(
    /^Stack sfsync has no output ChangeDeadLetterQueueUrlLoanc: an older version is deployed/,
  );
});
