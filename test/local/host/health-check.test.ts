import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HealthCheck } from '../../../local/host/health-check.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settings = { command: [], intervalMs: 10, timeoutMs: 1, retries: 3, startPeriodMs: 25 };

/** Answers the given results, then failures; counts how often it was reported unhealthy. */
function check(...results: boolean[]) {
  const asked = vi.fn(async () => results.shift() ?? false);
  const unhealthy = vi.fn();
  return { health: new HealthCheck(settings, asked, unhealthy), asked, unhealthy };
}

test('failures count after the start period, and only in a row', async () => {
  const { health, asked, unhealthy } = check(false, false, false, false, true);
  health.begin();
  // At 10 and 20 ms it is still starting; two failures, one success; then three failures.
  await vi.advanceTimersByTimeAsync(70);
  expect(unhealthy).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10);
  expect(unhealthy).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(100);
  expect([asked.mock.calls.length, unhealthy.mock.calls.length]).toEqual([8, 1]);
});

test('the check of a container ends with it; a new one begins anew', async () => {
  const { health, asked, unhealthy } = check();
  health.begin();
  await vi.advanceTimersByTimeAsync(40);
  health.end();
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toHaveBeenCalledTimes(4);
  health.begin();
  await vi.advanceTimersByTimeAsync(49);
  expect(unhealthy).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(unhealthy).toHaveBeenCalledOnce();
});
