import { expect, test } from 'vitest';
import { judge, parseAlarm, readingOf, sumOf } from '../../cloudwatch/alarm.ts';

const base = {
  AlarmName: 'a',
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateNumberOfMessagesVisible',
  Statistic: 'Maximum',
  Period: 60,
  EvaluationPeriods: 3,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
};

test('it goes off when as many periods as it needs are over the threshold, and is over when they are not', () => {
  const alarm = parseAlarm(base);
  expect(judge(alarm, [1, 2, 0], 'OK')).toBe('OK');
  expect(judge(alarm, [1, 2, 1], 'OK')).toBe('ALARM');
  expect(judge(alarm, [0, 2, 1], 'ALARM')).toBe('OK');
  expect(judge(parseAlarm({ ...base, DatapointsToAlarm: 2 }), [1, 2, 0], 'OK')).toBe('ALARM');
});

test.each([
  ['breaching', 'ALARM'],
  ['notBreaching', 'OK'],
  ['missing', 'INSUFFICIENT_DATA'],
  ['ignore', 'ALARM'],
] as const)('without any data, %s is %s', (TreatMissingData, state) => {
  expect(judge(parseAlarm({ ...base, TreatMissingData }), ['missing', 'missing', 'missing'], 'ALARM')).toBe(state);
});

test('what began before anything was measured says nothing, unless the rest is enough', () => {
  const alarm = parseAlarm({ ...base, TreatMissingData: 'breaching' });
  expect(judge(alarm, ['missing', 'missing', 'not measured'], 'OK')).toBe('OK');
  expect(judge(alarm, ['missing', 'not measured', 'not measured'], 'ALARM')).toBe('ALARM');
  expect(judge(parseAlarm({ ...base, EvaluationPeriods: 1 }), [1], 'INSUFFICIENT_DATA')).toBe('ALARM');
});

test('a sum of metrics has a value when each of them has', () => {
  const metric = (Id: string, MetricName: string) => ({
    Id,
    ReturnData: false,
    MetricStat: { Metric: { Namespace: 'AWS/States', MetricName }, Period: 300, Stat: 'Sum' },
  });
  const alarm = parseAlarm({
    AlarmName: 'a',
    Metrics: [{ Id: 'e', Expression: 'f + g', ReturnData: true }, metric('f', 'F'), metric('g', 'G')],
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  });
  const { expression, metrics, periodSeconds } = readingOf(alarm);
  expect([metrics.map(({ name }) => name), periodSeconds]).toEqual([['F', 'G'], 300]);
  expect(
    sumOf(
      expression,
      new Map([
        ['f', 1],
        ['g', 2],
      ]),
    ),
  ).toBe(3);
  expect(
    sumOf(
      expression,
      new Map([
        ['f', 1],
        ['g', undefined],
      ]),
    ),
  ).toBeUndefined();
});

test('a part that is filled has its value where the metric has none', () => {
  const expression = 'FILL(f, 0) + FILL(g, 5)';
  expect(sumOf(expression, new Map([['f', 1]]))).toBe(6);
  expect(sumOf(expression, new Map())).toBe(5);
});

test('what it does not understand is refused', () => {
  expect(() => parseAlarm({ ...base, Threshold: 'much', EvaluationPeriods: 0 })).toThrow(
    /Threshold.*|EvaluationPeriods/,
  );
  const metrics = [{ Id: 'e', Expression: 'RATE(f)', ReturnData: true }];
  const { Namespace: _, MetricName: __, Statistic: ___, Period: ____, ...rest } = base;
  expect(() => parseAlarm({ ...rest, Metrics: metrics })).toThrow('Only sums of metrics');
});
