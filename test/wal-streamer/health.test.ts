import { expect, test } from 'vitest';
import { backoffMs } from '../../wal-streamer/backoff.ts';
import { isAlive, SILENCE_MS } from '../../wal-streamer/health.ts';

test('a stream is alive while the server is heard', () => {
  expect(isAlive({ heardAt: 1_000, busy: false }, 1_000 + SILENCE_MS - 1)).toBe(true);
  expect(isAlive({ heardAt: 1_000, busy: false }, 1_000 + SILENCE_MS)).toBe(false);
});

test('a stream that is held up does not listen, and is alive', () => {
  expect(isAlive({ heardAt: 1_000, busy: true }, 1_000_000)).toBe(true);
});

test('pauses double up to the longest, and half of each is random', () => {
  const backoff = { firstMs: 100, longestMs: 1_000 };
  expect([1, 2, 3, 4, 5, 99].map((attempt) => backoffMs(backoff, attempt, 1))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
  expect(backoffMs(backoff, 2, 0)).toBe(100);
});
