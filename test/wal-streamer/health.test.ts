import { getEventListeners } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { backoffMs, waited } from '../../wal-streamer/backoff.ts';
import { Heartbeat, isAlive, SILENCE_MS } from '../../wal-streamer/health.ts';

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
  expect(backoffMs(backoff, 5_000, 1)).toBe(1_000);
  expect(backoffMs(backoff, 2, 0)).toBe(100);
  expect(backoffMs(backoff, 2, 0.5)).toBe(150);
});

describe('a pause', () => {
  test('ends when it is over, or at the signal, and leaves nothing with it', async () => {
    const { signal } = new AbortController();
    expect(await waited(1, signal)).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const stop = new AbortController();
    const waiting = waited(600_000, stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    stop.abort();
    expect(await waiting).toBe(false);
  });

  test('does not begin after the signal', async () => {
    const timer = vi.spyOn(globalThis, 'setTimeout');
    expect(await waited(600_000, AbortSignal.abort())).toBe(false);
    expect(timer).not.toHaveBeenCalled();
    timer.mockRestore();
  });

  test('that the signal ends keeps no process alive', async () => {
    const stop = new AbortController();
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const waiting = waited(600_000, stop.signal);
    stop.abort();
    await waiting;
    expect(cleared).toHaveBeenCalledOnce();
    cleared.mockRestore();
  });
});

describe('the heartbeat', () => {
  const directory = () => mkdtemp(join(tmpdir(), 'sfsync-heartbeat-'));

  test('is a file with the time of the last sign of life', async () => {
    const place = await directory();
    const [file, failed] = [join(place, 'beat'), vi.fn()];
    const before = Date.now();
    new Heartbeat(file, failed).beat();
    const beat = await vi.waitFor(async () => {
      const text = await readFile(file, 'utf8');
      expect(text).toMatch(/Z\n$/);
      return Date.parse(text.trim());
    });
    expect(beat).toBeGreaterThanOrEqual(before);
    expect(beat).toBeLessThanOrEqual(Date.now());
    expect(failed).not.toHaveBeenCalled();
    await rm(place, { recursive: true });
  });

  test('that cannot be written is told; where there is no health check, none is', async () => {
    const place = await directory();
    const failed = vi.fn();
    new Heartbeat(join(place, 'not', 'there'), failed).beat();
    await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: 'ENOENT' })));
    new Heartbeat(undefined, failed).beat();
    await rm(place, { recursive: true });
    expect(failed).toHaveBeenCalledOnce();
  });
});
