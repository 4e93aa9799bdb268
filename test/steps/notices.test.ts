/** Notices are published; those that repeat themselves are counted, and told at growing intervals. */
import { expect, test } from 'vitest';
import type { Message } from '../../core/contracts/message.ts';
import type { Notice } from '../../core/contracts/outbound-tasks.ts';
import { notify } from '../../steps/notices.ts';
import { MemoryBucket } from '../support/system/memory-bucket.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const circuit: Notice = { about: 'circuit', object: 'Account', state: 'open', execution: 'one' } as Notice;
const failed = (object: string): Notice => ({
  about: 'failed execution',
  execution: 'one',
  stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:sweep',
  status: 'FAILED',
  input: JSON.stringify({ object }),
  error: 'RetryableError',
  cause: 'away',
});

function notifying() {
  const bucket = new MemoryBucket();
  const published: Message[] = [];
  const publish = async (message: Message) => void published.push(message);
  return { bucket, published, told: (notice: Notice, now: number) => notify(bucket.storage, notice, now, publish) };
}

test('a notice that does not repeat itself is told each time, and nothing is kept of it', async () => {
  const { bucket, published, told } = notifying();
  expect([await told(circuit, NOW), await told(circuit, NOW + 1)]).toEqual([true, true]);
  expect([published.length, bucket.objects.size]).toEqual([2, 0]);
});

test('one that does is told once, counted, and told again with how many there were', async () => {
  const { bucket, published, told } = notifying();
  expect(await told(failed('Account'), NOW)).toBe(true);
  expect(await told(failed('Account'), NOW + 5 * MINUTE)).toBe(false);
  expect(await told(failed('Account'), NOW + 10 * MINUTE)).toBe(false);
  expect(await told(failed('Account'), NOW + 16 * MINUTE)).toBe(true);
  expect(published).toHaveLength(2);
  expect(published[1]).not.toEqual(published[0]);
  expect([...bucket.objects.keys()]).toEqual([expect.stringMatching(/^work\/notices\/[0-9a-f]{32}\.jsonl$/)]);
});

test('one of another cause is told beside it', async () => {
  const { bucket, told } = notifying();
  expect(await told(failed('Account'), NOW)).toBe(true);
  expect(await told(failed('Contact'), NOW)).toBe(true);
  expect(bucket.objects.size).toBe(2);
});
