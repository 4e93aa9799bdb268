import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AwsError } from '../../service.ts';
import { HostedLambda, ROLE } from './hosted-lambda.ts';

const QUEUE = 'arn:aws:sqs:eu-west-1:000000000000:failed-events';
const MINUTE = 60_000;

let hosted: HostedLambda;

beforeEach(() => {
  hosted = new HostedLambda();
});

afterEach(async () => {
  await hosted[Symbol.asyncDispose]();
});

/** Invokes asynchronously and waits for the end of the first run. */
async function accepted(payload: unknown): Promise<void> {
  const ran = hosted.aws.nextEntry('lambda');
  expect(await hosted.invoke(payload, { InvocationType: 'Event' })).toEqual({ StatusCode: 202 });
  await ran;
  await hosted.aws.settled();
}

/** Moves the time and waits for the run that becomes due. */
async function nextRun(ms: number): Promise<void> {
  const ran = hosted.aws.nextEntry('lambda');
  await hosted.aws.advance(ms);
  await ran;
  await hosted.aws.settled();
}

const runs = () => hosted.aws.entries.filter((entry) => entry.kind === 'lambda').length;
const FAILS = 'exports.handler = () => { const error = new Error("no"); error.name = "Broken"; throw error }';

describe('an asynchronous invocation', () => {
  test('is answered at once and run once', async () => {
    hosted.register('exports.handler = () => 1');
    await accepted({ a: 1 });
    await hosted.aws.advance(24 * 60 * MINUTE);
    expect(runs()).toBe(1);
    expect(hosted.aws.reportedFaults()).toEqual([]);
  });

  test('is retried after one and two minutes, with the same request id', async () => {
    hosted.register('exports.handler = (event, context) => { console.log("run"); throw new Error("no") }');
    await accepted({});
    await hosted.aws.advance(MINUTE - 1);
    expect(runs()).toBe(1);
    await nextRun(1);
    await hosted.aws.advance(2 * MINUTE - 1);
    expect(runs()).toBe(2);
    await nextRun(1);
    await hosted.aws.advance(24 * 60 * MINUTE);
    expect(runs()).toBe(3);
    expect(new Set([...hosted.log.matchAll(/^START RequestId: (\S+)/gm)].map(([, id]) => id)).size).toBe(1);
    expect(hosted.aws.reportedFaults()).toEqual([
      expect.stringContaining('given up (RetriesExhausted, Error) and dropped'),
    ]);
  });

  test('goes to the dead-letter queue in the end, as its role', async () => {
    hosted.register(FAILS, { maximumRetryAttempts: 0, deadLetterQueueArn: QUEUE });
    await accepted({ record: 7 });
    expect(hosted.aws.messages).toEqual([
      {
        queueUrl: `${hosted.aws.origin}/000000000000/failed-events`,
        body: '{"record":7}',
        attributes: { RequestID: expect.stringMatching(/^[0-9a-f-]{36}$/), ErrorCode: '200', ErrorMessage: 'no' },
        caller: ROLE,
      },
    ]);
  });

  test('goes to the on-failure destination with its context', async () => {
    hosted.register(FAILS, { maximumRetryAttempts: 0, onFailureQueueArn: QUEUE });
    await accepted({ record: 7 });
    expect(JSON.parse(hosted.aws.messages[0]?.body ?? '')).toMatchObject({
      version: '1.0',
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
      requestPayload: { record: 7 },
      responseContext: { statusCode: 200, functionError: 'Unhandled' },
      responsePayload: { errorType: 'Broken', errorMessage: 'no' },
    });
  });

  test('that its dead-letter queue refuses is journalled', async () => {
    hosted.register(FAILS, { maximumRetryAttempts: 0, deadLetterQueueArn: QUEUE });
    hosted.aws.fail('sqs', new AwsError('AccessDeniedException', 'not authorized'));
    await accepted({});
    expect(hosted.aws.reportedFaults()).toContainEqual(expect.stringContaining(`${QUEUE} did not take it`));
  });

  test('survives a restart before its retry', async () => {
    hosted.register('exports.handler = () => { throw new Error("no") }');
    await accepted({});
    await hosted.restart();
    hosted.register('exports.handler = () => 1');
    await nextRun(MINUTE);
    await hosted.aws.advance(24 * 60 * MINUTE);
    expect(runs()).toBe(2);
    expect(hosted.aws.reportedFaults()).toEqual([]);
  });

  test('that a stop cuts off is made again, without using up a retry', async () => {
    const settings = { maximumRetryAttempts: 0, deadLetterQueueArn: QUEUE };
    hosted.register('exports.handler = () => new Promise(() => setInterval(() => {}, 1000))', settings);
    await hosted.invoke({}, { InvocationType: 'Event' });
    await hosted.restart();
    hosted.register('exports.handler = () => 1', settings);
    await nextRun(1_000);
    await hosted.aws.advance(24 * 60 * MINUTE);
    expect(hosted.aws.messages).toEqual([]);
    expect(hosted.aws.reportedFaults()).toEqual([]);
  });

  test('waits while the function is throttled, without using up its retries', async () => {
    const settings = hosted.register('exports.handler = () => 1', { reservedConcurrency: 0 });
    await hosted.invoke({}, { InvocationType: 'Event' });
    await hosted.aws.settled();
    await hosted.aws.advance(10 * MINUTE);
    expect(runs()).toBe(0);
    hosted.lambda.register({ ...settings, reservedConcurrency: 1 });
    await nextRun(5 * MINUTE);
    expect(runs()).toBe(1);
  });

  test('is given up when it has grown too old', async () => {
    hosted.register('exports.handler = () => 1', {
      reservedConcurrency: 0,
      maximumEventAgeSeconds: 60,
      onFailureQueueArn: QUEUE,
    });
    await hosted.invoke({}, { InvocationType: 'Event' });
    await hosted.aws.settled();
    await hosted.aws.advance(2 * MINUTE);
    expect(JSON.parse(hosted.aws.messages[0]?.body ?? '')).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded' },
      responsePayload: { errorType: 'TooManyRequestsException' },
    });
  });

  test('of a function that is deleted before it runs is dropped in the end, and journalled', async () => {
    hosted.register(FAILS);
    await accepted({});
    await hosted.operation('DeleteFunction', { FunctionName: 'work' });
    await hosted.aws.advance(5 * 60 * MINUTE);
    expect(hosted.aws.reportedFaults()).toEqual([]);
    await hosted.aws.advance(60 * MINUTE);
    expect(hosted.aws.reportedFaults()).toEqual([expect.stringContaining('does not exist any more')]);
  });
});
