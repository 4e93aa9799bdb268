import { describe, expect, test } from 'vitest';
import { scheduleOf } from '../../events/schedule-expression.ts';

const at = (text: string) => Date.parse(text);
const next = (expression: string, now: string, since = now, timeScale = 1): string | undefined => {
  const time = scheduleOf(expression, timeScale).next(at(now), at(since));
  return time === undefined ? undefined : new Date(time).toISOString();
};

describe('a rate', () => {
  test.each([
    ['rate(1 minute)', '2026-11-23T08:01:00.000Z'],
    ['rate(5 minutes)', '2026-11-23T08:05:00.000Z'],
    ['rate(1 hour)', '2026-11-23T09:00:00.000Z'],
    ['rate(2 days)', '2026-11-25T08:00:00.000Z'],
  ])('%s counts from the creation of the rule', (expression, expected) => {
    expect(next(expression, '2026-11-23T08:00:00Z')).toBe(expected);
  });

  test('keeps its beat whenever it is asked', () => {
    expect(next('rate(5 minutes)', '2026-11-23T08:12:30Z', '2026-11-23T08:01:00Z')).toBe('2026-11-23T08:16:00.000Z');
    expect(next('rate(5 minutes)', '2026-11-23T08:06:00Z', '2026-11-23T08:01:00Z')).toBe('2026-11-23T08:11:00.000Z');
  });

  test('is as much more frequent as the time is scaled', () => {
    expect(next('rate(1 minute)', '2026-11-23T08:00:00Z', '2026-11-23T08:00:00Z', 12)).toBe('2026-11-23T08:00:05.000Z');
  });
});

describe('a cron expression', () => {
  test.each([
    ['cron(0 12 * * ? *)', '2026-11-23T12:00:00.000Z'],
    ['cron(*/15 * * * ? *)', '2026-11-23T08:15:00.000Z'],
    ['cron(0 10 ? * MON-FRI *)', '2026-11-23T10:00:00.000Z'],
    ['cron(0 9 ? * 1 *)', '2026-11-29T09:00:00.000Z'],
    ['cron(0 0 L * ? *)', '2026-11-30T00:00:00.000Z'],
    ['cron(0 0 ? * 2#1 *)', '2026-12-07T00:00:00.000Z'],
  ])('%s', (expression, expected) => {
    expect(next(expression, '2026-11-23T08:00:00Z', '2026-11-23T08:00:00Z', 12)).toBe(expected);
  });

  test('that lies in the past never fires', () => {
    expect(next('cron(0 0 1 1 ? 2020)', '2026-11-23T08:00:00Z')).toBeUndefined();
  });
});

test.each([
  'rate(1 minutes)',
  'rate(5 minute)',
  'rate(0 minutes)',
  'rate(5minutes)',
  'rate(30 seconds)',
  'cron(0 12 * * *)',
  'cron(0 12 * * * *)',
  'cron(0 12 ? * ? *)',
  'at(2026-11-23T08:00:00)',
  'every minute',
])('%s is refused', (expression) => {
  expect(() => scheduleOf(expression, 1)).toThrow('Parameter ScheduleExpression is not valid.');
});
