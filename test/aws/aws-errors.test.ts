import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { classified } from '../../aws/aws-errors.ts';
import { ConfigurationError, InvariantError, RejectedRecordError, RetryableError } from '../../core/errors.ts';
import { AwsError } from '../../packages/embedded-aws/service.ts';
import { startTestAws } from '../../packages/embedded-aws/test/embedded-aws.ts';

/** The error that a real client makes of an answer. */
async function answered(error: AwsError, service: 'sqs' | 'states' = 'sqs'): Promise<unknown> {
  await using running = await startTestAws({
    services: () => ({
      sqs: { operations: { ReceiveMessage: () => Promise.reject(error) } },
      states: { operations: { DescribeExecution: () => Promise.reject(error) } },
    }),
  });
  const settings = { ...running.client, maxAttempts: 1 };
  const call =
    service === 'sqs'
      ? new SQSClient(settings).send(new ReceiveMessageCommand({ QueueUrl: `${running.client.endpoint}/0/q` }))
      : new SFNClient(settings).send(new DescribeExecutionCommand({ executionArn: 'arn' }));
  return await call.then(
    () => new Error('answered without an error'),
    (reason: unknown) => reason,
  );
}

describe('what AWS answers', () => {
  test.for([
    ['a refused permission', new AwsError('AccessDenied', 'not you', 403), 'ConfigurationError'],
    ['something that is not there', new AwsError('ResourceNotFoundException', 'gone'), 'ConfigurationError'],
    ['a queue that is not there', new AwsError('QueueDoesNotExist', 'gone'), 'ConfigurationError'],
    ['throttling', new AwsError('ThrottlingException', 'slowly'), 'RetryableError'],
    ['too many requests', new AwsError('TooManyRequestsException', 'slowly', 429), 'RetryableError'],
    ['a fault of its own', new AwsError('InternalFailure', 'sorry', 500), 'RetryableError'],
    ['a wrong request of ours', new AwsError('InvalidParameterValue', 'what?'), 'InvariantError'],
  ] as const)('%s', async ([, answer, name]) => {
    const error = classified(await answered(answer));
    expect(error).toMatchObject({ name, code: answer.code, message: `AWS answered ${answer.code}: ${answer.message}` });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('an error of one service only', async () => {
    const error = classified(await answered(new AwsError('InvalidArn', 'no ARN'), 'states'));
    expect(error).toMatchObject({ name: 'InvariantError', code: 'InvalidArn' });
  });
});

test('an AWS that is away may be tried again', async () => {
  const { client } = await (async () => {
    await using running = await startTestAws();
    return running;
  })();
  const call = new SQSClient({ ...client, maxAttempts: 1 }).send(
    new ReceiveMessageCommand({ QueueUrl: 'http://x/0/q' }),
  );
  const error = classified(await call.catch((reason: unknown) => reason));
  expect(error).toMatchObject({ name: 'RetryableError', code: 'ECONNREFUSED' });
});

test('our own errors stay what they are; a rejected record that no step caught is our bug', () => {
  for (const error of [new RetryableError('A', 'a'), new ConfigurationError('B', 'b'), new InvariantError('C', 'c')])
    expect(classified(error)).toBe(error);
  const rejected = new RejectedRecordError('D', 'd', 'Field');
  expect(classified(rejected)).toMatchObject({ name: 'InvariantError', code: 'D', message: 'd', cause: rejected });
});

test('anything else is our bug', () => {
  expect(classified(new TypeError('x is not a function'))).toMatchObject({ name: 'InvariantError', code: 'TypeError' });
  expect(classified('thrown')).toMatchObject({ name: 'InvariantError', code: 'UNKNOWN' });
});
