import { describe, expect, test } from 'vitest';
import { nextStep } from '../../events/delivery-failure.ts';
import { AwsError } from '../../service.ts';
import { DEAD_LETTERS, HostedBus, MACHINE, QUEUE } from './hosted-bus.ts';

const AWAY = new AwsError('ServiceUnavailable', 'try later', 503);
const THROTTLED = new AwsError('ThrottlingException', 'slow down', 400);
const MISSING = new AwsError('StateMachineDoesNotExist', 'no such machine');
const DENIED = new AwsError('AccessDeniedException', 'not authorized', 400);
const WRONG_INPUT = new AwsError('InvalidExecutionInput', 'not that');

const withDeadLetters = { ...MACHINE, DeadLetterConfig: { Arn: DEAD_LETTERS } };

describe('a failed delivery', () => {
  test.each([AWAY, THROTTLED])('of $code is tried again until it succeeds', async (error) => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', error, 3);
    await hosted.rule('mine', [MACHINE]);
    await hosted.deliver();
    expect(hosted.aws.executions).toHaveLength(0);
    // Without jitter the waits are 1, 2 and 4 seconds.
    await hosted.aws.advance(6_999);
    expect(hosted.aws.executions).toHaveLength(0);
    await hosted.aws.advance(1);
    expect(hosted.aws.executions).toHaveLength(1);
    expect(hosted.waiting).toBe(0);
    expect(hosted.aws.reportedFaults()).toEqual([]);
  });

  test.each([
    [MISSING, 'NO_RESOURCE'],
    [DENIED, 'NO_PERMISSIONS'],
    [WRONG_INPUT, 'SDK_CLIENT_ERROR'],
  ])('of %s goes to the dead-letter queue without a retry', async (error, ERROR_CODE) => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', error);
    await hosted.rule('mine', [{ ...withDeadLetters, InputPath: '$.detail' }]);
    await hosted.deliver({ Detail: '{"object":"Contact"}' });
    expect(hosted.aws.messages).toMatchObject([
      {
        queueUrl: `${hosted.aws.origin}/000000000000/rule-dead-letters`,
        attributes: {
          RULE_ARN: 'arn:aws:events:eu-west-1:000000000000:rule/mine',
          TARGET_ARN: MACHINE.Arn,
          ERROR_CODE,
          ERROR_MESSAGE: expect.stringContaining(error.message),
          RETRY_ATTEMPTS: '0',
        },
        caller: 'events.amazonaws.com',
      },
    ]);
    expect(hosted.aws.messages[0]?.attributes).not.toHaveProperty('EXHAUSTED_RETRY_CONDITION');
    expect(JSON.parse(hosted.aws.messages[0]?.body ?? '')).toMatchObject({
      source: 'app',
      detail: { object: 'Contact' },
    });
    expect(hosted.waiting).toBe(0);
  });

  test('goes there when its retries are used up', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', AWAY);
    await hosted.rule('mine', [{ ...withDeadLetters, RetryPolicy: { MaximumRetryAttempts: 2 } }]);
    await hosted.deliver();
    await hosted.aws.advance(60_000);
    expect(hosted.aws.messages[0]?.attributes).toMatchObject({
      ERROR_CODE: 'ERROR_FROM_TARGET',
      RETRY_ATTEMPTS: '2',
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
    });
  });

  test('goes there when the event has grown too old', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', THROTTLED);
    await hosted.rule('mine', [{ ...withDeadLetters, RetryPolicy: { MaximumEventAgeInSeconds: 60 } }]);
    await hosted.deliver();
    await hosted.aws.advance(60_000);
    expect(hosted.aws.messages[0]?.attributes).toMatchObject({
      ERROR_CODE: 'THROTTLING',
      // After 1, 3, 7, 15 and 31 seconds; the next would be after 63.
      RETRY_ATTEMPTS: '5',
      EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds',
    });
  });

  test('is dropped and journalled without a dead-letter queue', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', MISSING);
    await hosted.rule('mine', [MACHINE]);
    await hosted.deliver();
    expect(hosted.aws.reportedFaults()).toEqual([
      expect.stringMatching(/^mine: event .* NO_RESOURCE: no such machine; given up after 0 retries and dropped/),
    ]);
    expect(hosted.waiting).toBe(0);
  });

  test('waits for a dead-letter queue that is away, and does not try the target again', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', MISSING, 1);
    hosted.aws.fail('sqs', AWAY, 2);
    await hosted.rule('mine', [withDeadLetters]);
    await hosted.deliver();
    expect(hosted.waiting).toBe(1);
    await hosted.aws.advance(60_000);
    expect(hosted.aws.messages).toHaveLength(1);
    expect(hosted.aws.executions).toHaveLength(0);
  });

  test('whose dead-letter queue is missing is dropped and journalled', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', MISSING);
    hosted.aws.queues = new Set();
    await hosted.rule('mine', [withDeadLetters]);
    await hosted.deliver();
    expect(hosted.aws.reportedFaults()).toContainEqual(expect.stringContaining(`${DEAD_LETTERS} did not take it`));
    expect(hosted.waiting).toBe(0);
  });
});

describe('a restart', () => {
  test('loses nothing that was accepted', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.reopen();
    await hosted.put({}, {});
    expect(hosted.waiting).toBe(2);
    await hosted.reopen();
    hosted.bus.start();
    await hosted.aws.settled();
    expect(hosted.aws.messages).toHaveLength(2);
    expect(hosted.waiting).toBe(0);
  });

  test('keeps the count of retries and the time of the next one', async () => {
    const hosted = new HostedBus();
    hosted.aws.fail('states', AWAY);
    await hosted.rule('mine', [{ ...withDeadLetters, RetryPolicy: { MaximumRetryAttempts: 3 } }]);
    await hosted.deliver();
    await hosted.aws.advance(1_000);
    await hosted.reopen();
    hosted.bus.start();
    await hosted.aws.settled();
    expect(hosted.aws.nextTimerMs).toBe(2_000);
    await hosted.aws.advance(60_000);
    expect(hosted.aws.messages[0]?.attributes.RETRY_ATTEMPTS).toBe('3');
  });

  test('does not start an execution twice when it was killed before it wrote the first down', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [MACHINE]);
    await hosted.reopen();
    await hosted.put({});
    hosted.store.exec('CREATE TABLE before_the_call AS SELECT * FROM events_delivery');
    hosted.bus.start();
    await hosted.aws.settled();
    await hosted.reopen();
    hosted.store.exec('INSERT INTO events_delivery SELECT * FROM before_the_call');
    hosted.bus.start();
    await hosted.aws.settled();
    expect(hosted.aws.executions).toHaveLength(1);
    expect(hosted.waiting).toBe(0);
    expect(hosted.aws.reportedFaults()).toEqual([]);
  });

  test('delivers to the target as it was when the event was accepted', async () => {
    const hosted = new HostedBus();
    await hosted.rule('mine', [QUEUE]);
    await hosted.reopen();
    await hosted.put({});
    await hosted.operation('RemoveTargets', { Rule: 'mine', Ids: ['queue'] });
    hosted.bus.start();
    await hosted.aws.settled();
    expect(hosted.aws.messages).toHaveLength(1);
  });
});

describe('the wait before a retry', () => {
  const failure = { code: 'THROTTLING', message: '', retryable: true };

  test.each([
    [0, 0, 500],
    [0, 0.999, 1_000],
    [1, 0, 1_000],
    [5, 0, 16_000],
    [20, 0, 150_000],
    [184, 0.999, 299_850],
  ])('after %i retries and with the jitter %d is %i ms', (retries, random, expected) => {
    expect(nextStep(failure, undefined, retries, 0, random)).toEqual({ kind: 'retry', delayMs: expected });
  });

  test('ends after 185 retries or a day', () => {
    expect(nextStep(failure, undefined, 185, 0, 0)).toEqual({ kind: 'give-up', exhausted: 'MaximumRetryAttempts' });
    const day = 86_400_000;
    expect(nextStep(failure, undefined, 9, day, 0)).toEqual({ kind: 'give-up', exhausted: 'MaximumEventAgeInSeconds' });
  });
});
