import { expect, test } from 'vitest';
import { type FlowSchedule, firstSlot, nextSlot, parseScheduleExpression } from '../../appflow/flows/schedule.ts';

const at = (text: string) => Date.parse(`2026-01-31T${text}Z`);
const every = (expression: string, times: Partial<FlowSchedule> = {}): FlowSchedule => ({
  expression: parseScheduleExpression(expression),
  startTime: undefined,
  endTime: undefined,
  ...times,
});

test('a rate without a start time has its first slot at once', () => {
  expect(firstSlot(every('rate(5minutes)'), at('12:00:07'), 1)).toBe(at('12:00:07'));
});

test('a start time ahead is the first slot; one that has passed counts the slots', () => {
  const schedule = every('rate(5minutes)', { startTime: at('12:00:00') });
  expect(firstSlot(schedule, at('11:00:00'), 1)).toBe(at('12:00:00'));
  expect(firstSlot(schedule, at('12:07:00'), 1)).toBe(at('12:10:00'));
});

test('slots that passed during a run are missed', () => {
  expect(nextSlot(every('rate(1minutes)'), at('12:00:00'), at('12:03:30'), 1)).toBe(at('12:04:00'));
  expect(nextSlot(every('rate(1minutes)'), at('12:00:00'), at('12:04:00'), 1)).toBe(at('12:05:00'));
});

test('the time scale shortens a rate, not a cron expression', () => {
  expect(nextSlot(every('rate(1minutes)'), at('12:00:00'), at('12:00:01'), 12)).toBe(at('12:00:05'));
  expect(nextSlot(every('cron(0 13 * * ? *)'), at('12:00:00'), at('12:00:01'), 12)).toBe(at('13:00:00'));
});

test('no slot comes at or after the end', () => {
  const schedule = every('rate(1hours)', { endTime: at('13:00:00') });
  expect(nextSlot(schedule, at('12:00:00'), at('12:30:00'), 1)).toBeUndefined();
  expect(firstSlot(schedule, at('13:00:00'), 1)).toBeUndefined();
});

test.each(['rate(1 minutes)', 'rate(1minute)', 'rate(1seconds)', 'every minute', 'cron(1 2 3)'])(
  '%s is refused',
  (text) => {
    expect(() => parseScheduleExpression(text)).toThrow(text);
  },
);
