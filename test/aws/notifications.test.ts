import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as notifications from '../../aws/notifications.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let publish: typeof notifications.publish;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  ({ publish } = await import('../../aws/notifications.ts'));
});
afterAll(() => aws[Symbol.asyncDispose]());

test('a subject is cut to what SNS takes; the message stays as it is', async () => {
  const topic = await aws.topic('people');
  await publish(topic, `Größe\n${'x'.repeat(120)}`, 'Größe\nund mehr');
  expect(aws.published).toMatchObject([
    { topicArn: topic, subject: `Gr??e?${'x'.repeat(94)}`, message: 'Größe\nund mehr' },
  ]);
});
