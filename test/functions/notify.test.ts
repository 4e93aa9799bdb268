import { afterAll, beforeAll, expect, test } from 'vitest';
import { invocation, type LambdaEnvironment, startLambdaEnvironment } from './lambda-environment.ts';

let lambda: LambdaEnvironment;
let notify: (event: object) => Promise<null>;

beforeAll(async () => {
  lambda = await startLambdaEnvironment();
  notify = invocation(await import('../../functions/notify.ts'));
});
afterAll(() => lambda[Symbol.asyncDispose]());

test('a notice becomes a message on the topic', async () => {
  const execution = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:abc';
  expect(
    await notify({ about: 'circuit', object: 'Contact', execution, state: 'open', reason: 'ECONNREFUSED' }),
  ).toBeNull();
  expect(lambda.aws.published).toMatchObject([
    {
      topicArn: process.env.TOPIC_ARN,
      subject: 'sfsync: Salesforce is away, Contact waits',
      message: expect.stringContaining(`Execution: ${execution}`),
    },
  ]);
});

test('what fails again and again for one reason is told once', async () => {
  const before = lambda.aws.published.length;
  const failed = (name: string) => ({
    about: 'failed execution',
    execution: `arn:aws:states:eu-west-1:000000000000:execution:sweep:${name}`,
    stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:sweep',
    status: 'FAILED',
    input: '{"object":"Contact"}',
    error: 'ConfigurationError',
    cause: '{"errorMessage":"no right"}',
  });
  for (const name of ['one', 'two', 'three']) await notify(failed(name));
  await notify({ ...failed('four'), error: 'InvariantError' });
  expect(lambda.aws.published.slice(before).map(({ message }) => message.split('\n')[0])).toEqual([
    'Execution one of sweep ended FAILED: ConfigurationError: no right',
    'Execution four of sweep ended FAILED: InvariantError: no right',
  ]);
});

test('what is no notice is our bug', async () => {
  await expect(notify({ about: 'weather' })).rejects.toMatchObject({ name: 'InvariantError', code: 'FAULTY_TASK' });
});
