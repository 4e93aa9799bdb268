/** A push whose call dies, is repeated by the state machine, or is redriven days later: it is sent at most once. */
import { describe, expect, test } from 'vitest';
import { anyOutcome } from '../../../core/contracts/insertion-tasks.ts';
import { RetryableError } from '../../../core/errors.ts';
import { UNDER_WAY } from '../../../salesforce/bulk-ingest.ts';
import { type Sending, sendAtMostOnce } from '../../../steps/push/at-most-once.ts';
import { linesOf, MemoryBucket } from '../../support/system/memory-bucket.ts';

const PUSH = 'work/one/updates-one-0.jsonl';
const JOB = '750000000000001AAA';
const ID = '001000000000001AAA';
const LINES = [{ id: ID, kind: 'update', fields: { Phone: 'p' } }];
const ACCEPTED = [{ id: ID, outcome: 'accepted' as const }];

/** A call dies when it has changed, or is about to change, so many objects. */
class Bucket extends MemoryBucket {
  #changes = 0;
  #diesAt = Number.POSITIVE_INFINITY;

  constructor() {
    super([[PUSH, linesOf(LINES)]]);
  }

  /** A call that dies as a Lambda does that is killed: whatever it would do then is not done. */
  dyingAt(changes: number): this {
    this.#diesAt = this.#changes + changes;
    return this;
  }

  living(): this {
    this.#diesAt = Number.POSITIVE_INFINITY;
    return this;
  }

  protected override changing(): void {
    if (this.#changes >= this.#diesAt) throw new Error('killed');
    this.#changes += 1;
  }
}

const push = (bucket: Bucket, sending: Sending) => sendAtMostOnce(bucket.storage, PUSH, sending);
const outcomesOf = (bucket: Bucket, key: string) => bucket.readLines(key, anyOutcome);

/** Salesforce, which counts what was sent. `job`: by a Bulk job, whose id is kept before it is closed. */
function salesforce({ job = false } = {}) {
  const sent = { calls: 0, goneOn: 0 };
  const sending: Sending = {
    async send(_lines, keepJob) {
      if (job) await keepJob(JOB);
      sent.calls += 1;
      return ACCEPTED;
    },
    async goOn(_lines, jobId) {
      expect(jobId).toBe(JOB);
      sent.goneOn += 1;
      return ACCEPTED;
    },
  };
  return { sent, sending };
}

describe('a Bulk job that is under way when its call ends', () => {
  const underWay = (sending: Sending): Sending => ({
    ...sending,
    async send(lines, keepJob) {
      await sending.send(lines, keepJob);
      throw new RetryableError(UNDER_WAY, 'The job is not settled yet.');
    },
  });

  test('is gone on with by the next call, and nothing is sent again', async () => {
    const { sent, sending } = salesforce({ job: true });
    const bucket = new Bucket();
    await expect(push(bucket, underWay(sending))).rejects.toMatchObject({ code: UNDER_WAY });
    const outcomesKey = await push(bucket, underWay(sending));
    expect(sent).toEqual({ calls: 1, goneOn: 1 });
    expect(await outcomesOf(bucket, outcomesKey)).toEqual(ACCEPTED);
    expect(await push(bucket, underWay(sending))).toBe(outcomesKey);
    expect(sent).toEqual({ calls: 1, goneOn: 1 });
  });

  test('goes on also after the call that went on with it has failed, too', async () => {
    const { sent, sending } = salesforce({ job: true });
    const bucket = new Bucket();
    await expect(push(bucket, underWay(sending))).rejects.toThrow();
    const goOn = () => Promise.reject(new RetryableError(UNDER_WAY, 'The job is not settled yet.'));
    await expect(push(bucket, { ...sending, goOn })).rejects.toMatchObject({ code: UNDER_WAY });
    await push(bucket, sending);
    expect(sent).toEqual({ calls: 1, goneOn: 1 });
  });

  test('of a push that cannot be gone on with leaves its outcomes unknown', async () => {
    const { sent, sending } = salesforce({ job: true });
    const bucket = new Bucket();
    await expect(push(bucket, underWay(sending))).rejects.toThrow();
    const key = await push(bucket, { send: sending.send });
    expect([sent.calls, await outcomesOf(bucket, key)]).toEqual([1, [{ id: ID, outcome: 'unknown' }]]);
  });
});

test('a call that ends before anything was sent is followed by one that sends', async () => {
  const { sent, sending } = salesforce();
  const bucket = new Bucket();
  const early = () => Promise.reject(new RetryableError('ECONNREFUSED', 'Salesforce is away.'));
  await expect(push(bucket, { send: early })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await outcomesOf(bucket, await push(bucket, sending))).toEqual(ACCEPTED);
  expect(sent.calls).toBe(1);
});

test('after an error that does not say whether anything was sent nothing is sent, and the outcomes are unknown', async () => {
  const { sent, sending } = salesforce();
  const bucket = new Bucket();
  await expect(push(bucket, { send: () => Promise.reject(new Error('a bug')) })).rejects.toThrow('a bug');
  expect(await outcomesOf(bucket, await push(bucket, sending))).toEqual([{ id: ID, outcome: 'unknown' }]);
  expect(sent.calls).toBe(0);
});

describe.each([
  ['calls', false],
  ['a Bulk job', true],
])('a push by %s that is killed at any moment', (_, job) => {
  // Its marker, the id of its job, its outcomes, that they are complete.
  const changes = job ? 4 : 3;

  test.for(Array.from({ length: changes }, (_each, n) => n))(
    'such as after %i changes: the next call sends nothing again, and its outcomes are there and true',
    async (n) => {
      const { sent, sending } = salesforce({ job });
      const bucket = new Bucket();
      await expect(push(bucket.dyingAt(n), sending)).rejects.toThrow('killed');
      const first = sent.calls;
      const outcomes = await outcomesOf(bucket, await push(bucket.living(), sending));
      expect(sent.calls).toBeLessThanOrEqual(1);
      const isKnown = job ? sent.calls + sent.goneOn > 0 : sent.calls > first;
      // The answers of calls died with the one that had them; a job can be asked again.
      expect(outcomes).toEqual([{ id: ID, outcome: isKnown ? 'accepted' : 'unknown' }]);
      expect(await outcomesOf(bucket, await push(bucket, sending))).toEqual(outcomes);
    },
  );

  test('is complete after these', async () => {
    const { sending } = salesforce({ job });
    expect(await push(new Bucket().dyingAt(changes), sending)).toBe('work/one/updates-one-0-outcomes.jsonl');
  });
});
