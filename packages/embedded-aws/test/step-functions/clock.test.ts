import { describe, expect, test } from 'vitest';
import { realClock, TIMED_OUT, within } from '../../step-functions/clock.ts';
import { ManualClock } from './manual-clock.ts';

describe('the real clock', () => {
  const clock = realClock(Date.now);
  const never = new AbortController().signal;

  test('sleeps, and not at all for nothing', async () => {
    await clock.sleep(0, never);
    await clock.sleep(1, never);
  });

  test('a sleep ends at once, with its reason, when it is called off', async () => {
    const control = new AbortController();
    // Longer than any timer of Node can take: it must not end by itself.
    const sleep = clock.sleep(2 ** 40, control.signal);
    control.abort(new Error('called off'));
    await expect(sleep).rejects.toThrow('called off');
    await expect(clock.sleep(1, control.signal)).rejects.toThrow('called off');
  });
});

describe('work with a time limit', () => {
  const never = new AbortController().signal;

  test('gives its result, or its error, when it is in time', async () => {
    const clock = new ManualClock();
    expect(await within(Promise.resolve(1), 1_000, clock, never)).toBe(1);
    await expect(within(Promise.reject(new Error('no')), 1_000, clock, never)).rejects.toThrow('no');
    expect(clock.sleepers).toBe(0);
  });

  test('is left behind when its time is over', async () => {
    const clock = new ManualClock();
    const result = within(new Promise(() => undefined), 1_000, clock, never);
    clock.advance(1_000);
    expect(await result).toBe(TIMED_OUT);
  });

  test('is left behind when it is called off', async () => {
    const control = new AbortController();
    const result = within(new Promise(() => undefined), undefined, new ManualClock(), control.signal);
    control.abort(new Error('called off'));
    await expect(result).rejects.toThrow('called off');
  });
});
