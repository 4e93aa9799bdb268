import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../core/contracts/lsn.ts';
import { elapse, holdTheClock, newest, OBJECTS, refusing, useStreamedLender } from './streamed-lender.ts';

const streamed = useStreamedLender();
const { started, walEnd, writtenDown, insertLender, lender } = streamed;

describe('what is handed on', () => {
  test('which rows changed, with the transactions that changed them', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('begin');
    const [transaction] = await lender.rows('select pg_current_xact_id()::text as id');
    const [one, two] = [await insertLender('Northwind'), await insertLender('Contoso')];
    await lender.rows('update lenders set phone = $2 where id = $1', [one, '1']);
    await lender.rows('commit');
    await stream.until(() => stream.queues.messages.length === 1);
    expect(stream.queues.messages[0]).toMatchObject({
      object: 'Account',
      keys: [
        [one, 'update'],
        [two, 'insert'],
      ],
      transactions: [transaction?.id],
    });
  });

  test('of truncated tables that their rows are gone', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('truncate lenders, borrowers, loan_applications');
    await stream.until(() => stream.queues.messages.length === 3);
    expect(stream.queues.messages.map(({ object, truncated }) => [object, truncated]).sort()).toEqual(
      OBJECTS.map((object) => [object, true]),
    );
    expect(stream.told.unnamedRows.sort()).toEqual(OBJECTS.map((object) => [object, 'truncate']));
    await streamed.wire.confirmed(newest(stream));
  });

  test('nothing of our own transactions, which are passed', async () => {
    await using stream = started();
    await stream.streaming();
    await lender.rows('begin');
    await lender.rows("select pg_logical_emit_message(true, 'sfsync', 'echo')");
    await insertLender('ours');
    await lender.rows('commit');
    await streamed.wire.confirmed(await walEnd());
    expect(stream.queues.calls).toBe(0);
    const theirs = await insertLender('theirs');
    await stream.until(() => stream.queues.messages.length === 1);
    expect(stream.queues.keysOf('Account')).toEqual([theirs]);
  });
});

describe('what is confirmed', () => {
  test('nothing that a queue has not accepted, whatever the server has sent since', async () => {
    await using stream = started();
    await stream.streaming();
    stream.queues.next.push('failed', 'refused');
    const accept = stream.queues.hold();
    await insertLender();
    await stream.until(() => stream.queues.calls === 1);
    const confirmed = await streamed.wire.ask(await walEnd());
    accept();
    await stream.until(() => stream.queues.messages.length === 1);
    expect(confirmed).toBeLessThan(newest(stream));
    expect(stream.failures).toEqual([new Error('the queue is away'), 'InternalError']);
    await streamed.wire.confirmed(newest(stream));
  });

  test('nothing that is not written down', async () => {
    const tooFar: Lsn[] = [];
    streamed.wire.reporting = async ({ position }) => {
      if (position > (await writtenDown())) tooFar.push(position);
    };
    await using stream = started();
    await stream.streaming();
    for (const n of [1, 2, 3]) {
      await insertLender();
      await stream.until(() => stream.queues.messages.length === n);
      await streamed.wire.confirmed(newest(stream));
    }
    expect(tooFar).toEqual([]);
  });

  test('nothing where a position cannot be written down: the stream ends', async () => {
    await lender.rows(refusing('update', 'sfsync.stream'));
    await using stream = started();
    await stream.streaming();
    await insertLender();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
    expect(streamed.wire.reports.filter(({ position }) => position >= newest(stream))).toEqual([]);
  });

  test('nothing before it is known where the slot is', async () => {
    const holder = await lender.database.client();
    await holder.query('begin; lock table sfsync.stream in exclusive mode');
    await using stream = started();
    await insertLender();
    await stream.until(() => stream.accepted === 1);
    streamed.wire.keepalive(await walEnd(), true);
    // The answer to a question: there is none.
    expect(streamed.wire.reports).toEqual([]);
    expect(stream.told.streaming).toEqual([]);
    await holder.query('commit');
    await streamed.wire.confirmed(newest(stream));
    expect(stream.told.streaming).toHaveLength(1);
  });

  test('nothing where it cannot be known', async () => {
    const before = started();
    await before.streaming();
    before.stop();
    await before.ended;
    const written = await writtenDown();
    const holder = await lender.database.client();
    await holder.query(`
      begin;
      ${refusing('insert', 'sfsync.stream')}`);
    streamed.wire.reports.splice(0);
    await using stream = started();
    await insertLender();
    await stream.until(() => stream.accepted === 1);
    await holder.query('commit');
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
    expect(streamed.wire.reports).toEqual([]);
    expect(await writtenDown()).toBe(written);
  });

  test('not what lies behind a position that the server says inside a transaction', async () => {
    await using stream = started();
    await stream.streaming();
    // Further than all tests beside this one write meanwhile.
    const far = (await walEnd()) + 1024n ** 4n;
    streamed.wire.passed = (kind) => {
      if (kind === 'B') streamed.wire.keepalive(far);
    };
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await streamed.wire.confirmed(newest(stream));
    expect(streamed.wire.reports.filter(({ position }) => position >= far)).toEqual([]);
  });

  test('traffic that is not ours: far ahead, or after a while', async () => {
    holdTheClock();
    streamed.wire.keepalives = 'are lost';
    await using stream = started();
    await stream.streaming();
    const from = await walEnd();
    await lender.rows("select pg_logical_emit_message(false, 'unknown', repeat('x', 1000000))");
    expect(await streamed.wire.ask(from)).toBeLessThan(from);
    await elapse(0);
    await streamed.wire.confirmed(from);

    const near = from + 200n;
    expect(await streamed.wire.ask(from + 100n)).toBe(from);
    await elapse(4_000);
    expect(await streamed.wire.ask(near)).toBe(from);
    // At six seconds, and a timer that is set then.
    await elapse(2_001);
    await streamed.wire.confirmed(near);

    const far = near + 256n * 1024n;
    expect(await streamed.wire.ask(far - 1n)).toBe(near);
    await elapse(500);
    expect(await streamed.wire.ask(far)).toBe(near);
    await elapse(500);
    await streamed.wire.confirmed(far);
    expect([...new Set(streamed.wire.reports.map(({ position }) => position))].slice(1)).toEqual([from, near, far]);
  });

  test('what a queue has accepted: after half a second at the latest, and not more often', async () => {
    holdTheClock();
    streamed.wire.keepalives = 'are lost';
    await using stream = started();
    await stream.streaming();
    const positions: Lsn[] = [];
    for (const n of [1, 2, 3]) {
      await elapse(n === 1 ? 0 : 200);
      await insertLender(`${n}`);
      await stream.until(() => stream.accepted === n);
      positions.push(newest(stream));
      if (n > 1) continue;
      await elapse(0);
      await streamed.wire.confirmed(newest(stream));
    }
    const [first = 0n, second = 0n, third = 0n] = positions;
    await elapse(99);
    expect(await streamed.wire.ask(0n)).toBeLessThan(second);
    await elapse(1);
    await streamed.wire.confirmed(third);
    expect(streamed.wire.reports.filter(({ position }) => position > first && position < third)).toEqual([]);
  });
});
