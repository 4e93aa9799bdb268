import { describe, expect, test } from 'vitest';
import type { Retrier } from '../../step-functions/definition/definition.ts';
import { coversError, RetryBudget, retryDelayMs } from '../../step-functions/states/retry.ts';

function retrier(change: Partial<Retrier> = {}): Retrier {
  return {
    errorEquals: ['States.ALL'],
    intervalSeconds: 2,
    maxAttempts: 3,
    backoffRate: 2,
    maxDelaySeconds: undefined,
    jitter: 'NONE',
    ...change,
  };
}

const half = () => 0.5;

describe('which errors a rule covers', () => {
  test.each<[string[], string | undefined, boolean]>([
    [['MyError'], 'MyError', true],
    [['MyError'], 'myerror', false],
    [['A', 'B'], 'B', true],
    [['States.ALL'], 'Anything', true],
    [['States.ALL'], undefined, true],
    [['State.ALL'], 'Anything', false],
    [['States.ALL'], 'States.DataLimitExceeded', true],
    [['States.ALL'], 'States.Runtime', false],
    [['States.Runtime'], 'States.Runtime', true],
    [['States.TaskFailed'], 'Lambda.Unknown', true],
    [['States.TaskFailed'], 'States.Timeout', false],
    [['States.Timeout'], 'States.Timeout', true],
    [['States.Timeout'], 'States.HeartbeatTimeout', true],
    [['States.HeartbeatTimeout'], 'States.Timeout', false],
  ])('%j and %s: %s', (errorEquals, error, covered) => {
    expect(coversError(errorEquals, error)).toBe(covered);
  });
});

describe('how long a retry waits', () => {
  test('the interval grows by the backoff rate', () => {
    expect([0, 1, 2].map((attempt) => retryDelayMs(retrier(), attempt, half))).toEqual([2_000, 4_000, 8_000]);
  });

  test('never longer than MaxDelaySeconds', () => {
    expect(retryDelayMs(retrier({ maxDelaySeconds: 5 }), 4, half)).toBe(5_000);
  });

  test('full jitter takes a random part of it', () => {
    expect(retryDelayMs(retrier({ jitter: 'FULL', maxDelaySeconds: 5 }), 4, half)).toBe(2_500);
  });
});

describe('how often', () => {
  test('each retrier counts for itself', () => {
    const budget = new RetryBudget([
      retrier({ errorEquals: ['A'], maxAttempts: 1 }),
      retrier({ errorEquals: ['B'], maxAttempts: 2, intervalSeconds: 1 }),
    ]);
    const delays = ['A', 'B', 'B', 'A', 'B'].map((error) => budget.take(error, half)?.delayMs);
    expect(delays).toEqual([2_000, 1_000, 2_000, undefined, undefined]);
  });

  test('an error whose retrier is used up does not go on to a later one', () => {
    const budget = new RetryBudget([retrier({ errorEquals: ['A'], maxAttempts: 0 }), retrier()]);
    expect(budget.take('A', half)).toBeUndefined();
    expect(budget.take('B', half)).toEqual({ delayMs: 2_000 });
  });
});
