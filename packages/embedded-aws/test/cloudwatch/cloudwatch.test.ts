import { expect, test } from 'vitest';
import { CloudWatch } from '../../cloudwatch/cloudwatch.ts';
import { AwsError } from '../../service.ts';
import { openStore } from '../../store.ts';
import { StatefulAws } from '../stateful-aws.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:000000000000:operators';
const MINUTE = 60_000;

const flowAlarm = {
  AlarmName: 'FlowAlarm',
  AlarmDescription: 'No run has succeeded.',
  Namespace: 'AWS/AppFlow',
  MetricName: 'FlowExecutionsSucceeded',
  Dimensions: [{ Name: 'FlowName', Value: 'flow' }],
  Statistic: 'Sum',
  Period: 300,
  EvaluationPeriods: 3,
  Threshold: 1,
  ComparisonOperator: 'LessThanThreshold',
  TreatMissingData: 'breaching',
  AlarmActions: [TOPIC],
  OKActions: [TOPIC],
};

function watch(timeScale = 1, store = openStore(':memory:')) {
  const aws = new StatefulAws();
  const cloudWatch = new CloudWatch(aws, store, { timeScale, timers: aws });
  const call = (operation: string, input: object) =>
    cloudWatch.operations[operation]?.(input as never, undefined as never);
  const states = () =>
    (call('DescribeAlarms', {}) as { MetricAlarms: { StateValue: string }[] }).MetricAlarms.map(
      (each) => each.StateValue,
    );
  const succeed = () => {
    const metric = { namespace: 'AWS/AppFlow', name: 'FlowExecutionsSucceeded', dimensions: { FlowName: 'flow' } };
    cloudWatch.add({ ...metric, value: 1, at: aws.now() });
  };
  const published = () =>
    aws.notifications.map((text) => {
      const { AlarmName, OldStateValue, NewStateValue } = JSON.parse(text) as Record<string, string>;
      return `${AlarmName}: ${OldStateValue} -> ${NewStateValue}`;
    });
  return { aws, cloudWatch, call, states, succeed, published, store };
}

test('a flow that falls silent is notified once, and once more when it is back', async () => {
  const { aws, cloudWatch, call, states, succeed, published } = watch();
  call('PutMetricAlarm', flowAlarm);
  cloudWatch.start();
  for (let minute = 0; minute < 20; minute++) {
    succeed();
    await aws.advance(MINUTE);
  }
  expect([states(), published()]).toEqual([['OK'], []]);
  await aws.advance(20 * MINUTE);
  expect([states(), published()]).toEqual([['ALARM'], ['FlowAlarm: OK -> ALARM']]);
  succeed();
  await aws.advance(MINUTE);
  expect(published()).toEqual(['FlowAlarm: OK -> ALARM', 'FlowAlarm: ALARM -> OK']);
  await cloudWatch.stop();
});

test('its periods are as short as those of the schedules, and begin with the run', async () => {
  const { aws, cloudWatch, call, published } = watch(12);
  call('PutMetricAlarm', flowAlarm);
  await aws.advance(60 * MINUTE);
  cloudWatch.start();
  await aws.advance(MINUTE);
  expect(published()).toEqual([]);
  await aws.advance(MINUTE / 2);
  expect(published()).toEqual(['FlowAlarm: INSUFFICIENT_DATA -> ALARM']);
  await cloudWatch.stop();
});

test('its state outlives the run, and the host makes the alarm again without a change of it', async () => {
  const first = watch();
  first.call('PutMetricAlarm', flowAlarm);
  first.cloudWatch.start();
  await first.aws.advance(20 * MINUTE);
  await first.cloudWatch.stop();
  const second = watch(1, first.store);
  second.call('PutMetricAlarm', { ...flowAlarm, Threshold: 2 });
  expect(second.states()).toEqual(['ALARM']);
});

test('a topic that does not answer is a fault of the run, and the next alarm is looked at', async () => {
  const { aws, cloudWatch, call, states } = watch();
  call('PutMetricAlarm', flowAlarm);
  call('PutMetricAlarm', { ...flowAlarm, AlarmName: 'Second' });
  aws.fail('sns', new AwsError('InternalError', 'away'));
  cloudWatch.start();
  await aws.advance(20 * MINUTE);
  expect(states()).toEqual(['ALARM', 'ALARM']);
  expect(aws.reportedFaults()).toEqual([
    'FlowAlarm: the action of the alarm failed: away',
    'Second: the action of the alarm failed: away',
  ]);
  await cloudWatch.stop();
});

test('what is sampled counts at each look', async () => {
  const { aws, cloudWatch, call, published } = watch();
  const metric = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: 'q' } };
  let value = 0;
  cloudWatch.sample(() => [{ ...metric, value }]);
  const { TreatMissingData: _, ...rest } = flowAlarm;
  const queue = {
    AlarmName: 'Queue',
    Namespace: metric.namespace,
    MetricName: metric.name,
    Period: 60,
    EvaluationPeriods: 1,
  };
  const Dimensions = [{ Name: 'QueueName', Value: 'q' }];
  call('PutMetricAlarm', { ...rest, ...queue, Dimensions, ComparisonOperator: 'GreaterThanOrEqualToThreshold' });
  cloudWatch.start();
  await aws.advance(2 * MINUTE);
  value = 1;
  await aws.advance(MINUTE);
  expect(published()).toEqual(['Queue: OK -> ALARM']);
  await cloudWatch.stop();
});
