/** The lease of an object: one execution has it, and a dead one keeps it from nobody. */

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Deferrable, NOT_PUT_OFF } from '../../../core/agreement/due.ts';
import {
  changePause,
  closeCircuit,
  freeLease,
  holdLease,
  openCircuit,
  takeLease,
} from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { aMillisecondLater } from '../../support/a-millisecond-later.ts';
import { attempt, NO_LOCK, onceBefore } from '../../support/postgres/between-statements.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const OBJECT = 'Account';
const lender = useLenderDatabase('file');
const { rows } = lender;
let [mine, other]: [Session?, Session?] = [];
const sessions = (): [Session, Session] => [
  mine ?? expect.unreachable('there is a session'),
  other ?? expect.unreachable('there is a second session'),
];

beforeAll(async () => {
  [mine, other] = [await lender.session(), await lender.session()];
});
beforeEach(() => rows('truncate sfsync.lease'));

const dead = async () => false;
const running = async () => true;
const holder = async (object = OBJECT) =>
  (await rows('select execution from sfsync.lease where object = $1', [object]))[0]?.execution;

/** Asks about the holder at the same time: nobody is answered before all have asked. */
function allAsk(executions: number) {
  const asked = Promise.withResolvers<void>();
  let asking = executions;
  return async () => {
    asking -= 1;
    if (asking === 0) asked.resolve();
    await asked.promise;
    return false;
  };
}

describe('two executions that find the same dead holder', () => {
  test('one of them takes its lease', async () => {
    const [a, b] = sessions();
    await takeLease(a, OBJECT, 'died', dead);
    const isRunning = allAsk(2);
    const taken = await Promise.all([takeLease(a, OBJECT, 'a', isRunning), takeLease(b, OBJECT, 'b', isRunning)]);
    expect(taken.filter((lease) => lease !== undefined)).toEqual([{ circuit: 'closed' }]);
    expect(await holder()).toBe(taken[0] === undefined ? 'b' : 'a');
  });

  test.for([
    ['has been taken over', 'third'],
    ['was given back', null],
  ] as const)('a lease that %s while an execution asked about its holder is not taken', async ([, then]) => {
    const [a] = sessions();
    await takeLease(a, OBJECT, 'died', dead);
    const taken = await takeLease(a, OBJECT, 'a', async () => {
      await rows('update sfsync.lease set execution = $1', [then]);
      return false;
    });
    expect([taken, await holder()]).toEqual([undefined, then]);
  });

  test('also of two that find it free', async () => {
    const [a] = sessions();
    const second = await lender.session();
    const happened = onceBefore(second, 'update sfsync.lease', () => takeLease(a, OBJECT, 'a', dead));
    expect(await takeLease(second, OBJECT, 'b', dead)).toBeUndefined();
    expect([happened(), await holder()]).toEqual([true, 'a']);
  });
});

test('an execution that has the lease takes it again, and nobody is asked', async () => {
  const [a] = sessions();
  await takeLease(a, OBJECT, 'a', dead);
  const [{ taken_at: since }] = await rows('select taken_at from sfsync.lease');
  const asks = () => expect.unreachable('it is its own');
  expect(await takeLease(a, OBJECT, 'a', asks)).toEqual({ circuit: 'closed' });
  expect(await rows('select taken_at from sfsync.lease')).toEqual([{ taken_at: since }]);
  await takeLease(a, OBJECT, 'b', dead);
  expect((await rows('select taken_at from sfsync.lease'))[0].taken_at).not.toEqual(since);
});

test('the leases of other objects are others', async () => {
  const [a] = sessions();
  for (const object of [OBJECT, 'Contact']) await takeLease(a, object, `of ${object}`, dead);
  expect(await takeLease(a, OBJECT, 'b', dead)).toEqual({ circuit: 'closed' });
  expect(await holder('Contact')).toBe('of Contact');
  await freeLease(a, OBJECT, 'b');
  expect([await holder(), await holder('Contact')]).toEqual([null, 'of Contact']);
  await takeLease(a, OBJECT, 'of Contact', dead);
  await freeLease(a, OBJECT, 'of Contact');
  expect([await holder(), await holder('Contact')]).toEqual([null, 'of Contact']);
});

test('an execution frees no lease but its own', async () => {
  const [a] = sessions();
  await takeLease(a, OBJECT, 'a', dead);
  await freeLease(a, OBJECT, 'b');
  expect(await holder()).toBe('a');
});

test('while a step works, its lease is not taken over, also where its execution counts as dead', async () => {
  const [a, b] = sessions();
  await takeLease(a, OBJECT, 'a', running);
  await inTransaction(a, async () => {
    expect(await holdLease(a, OBJECT, 'a')).toEqual({ circuit: 'closed' });
    expect(await attempt(b, `update sfsync.lease set execution = 'b' where execution = 'a'`)).toBe(NO_LOCK);
    // Two steps of one execution do not wait for each other.
    expect(await attempt(b, `select from sfsync.lease for share`)).toBeUndefined();
  });
  expect(await takeLease(b, OBJECT, 'b', dead)).toEqual({ circuit: 'closed' });
  await expect(holdLease(a, OBJECT, 'a')).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LEASE_LOST' });
  await takeLease(a, 'Contact', 'a', dead);
  await expect(holdLease(a, OBJECT, 'a')).rejects.toMatchObject({ code: 'LEASE_LOST' });
});

test('how long all records of an object wait is changed by a rule, and of that object alone', async () => {
  const [a] = sessions();
  for (const object of [OBJECT, 'Contact']) await takeLease(a, object, 'a', dead);
  const pauses = () => rows('select object, due_after as until, retries from sfsync.lease order by object');
  const until = Date.UTC(2030, 0, 1, 0, 0, 1);
  const seen: Deferrable[] = [];
  const rule = (next: Deferrable) => (before: Deferrable) => {
    seen.push(before);
    return next;
  };
  const longer = { dueAfter: until, retries: 3 };
  await inTransaction(a, () => changePause(a, OBJECT, rule(longer)));
  expect(await pauses()).toEqual([
    { object: OBJECT, until: new Date(until), retries: 3 },
    { object: 'Contact', until: null, retries: 0 },
  ]);
  await inTransaction(a, () => changePause(a, OBJECT, rule({ ...longer, retries: 4 })));
  await inTransaction(a, () => changePause(a, OBJECT, rule({ dueAfter: undefined, retries: 4 })));
  await inTransaction(a, () => changePause(a, 'Lead', () => expect.unreachable('it has no lease')));
  expect(seen).toEqual([NOT_PUT_OFF, longer, { ...longer, retries: 4 }]);
  expect(await pauses()).toMatchObject([
    { until: null, retries: 4 },
    { until: null, retries: 0 },
  ]);
});

describe('the circuit', () => {
  const circuit = async (object = OBJECT) =>
    (
      await rows(
        `select circuit, circuit_reason as reason, circuit_changed_at as since, probed_at as probed
           from sfsync.lease where object = $1`,
        [object],
      )
    )[0];

  beforeEach(async () => {
    const [a] = sessions();
    for (const object of [OBJECT, 'Contact']) await takeLease(a, object, 'a', dead);
  });

  test('opens once, remembers since when, and says what was answered last', async () => {
    const [a] = sessions();
    expect(await openCircuit(a, OBJECT, 'away')).toBe(true);
    const first = await circuit();
    expect(first).toMatchObject({ circuit: 'open', reason: 'away', since: expect.any(Date) });
    aMillisecondLater();
    expect(await openCircuit(a, OBJECT, 'still away')).toBe(false);
    const second = await circuit();
    expect(second).toMatchObject({ circuit: 'open', reason: 'still away', since: first.since });
    expect(second.probed.getTime()).toBeGreaterThan(first.probed.getTime());
    expect(await circuit('Contact')).toMatchObject({ circuit: 'closed', reason: null });
    expect(await takeLease(a, OBJECT, 'a', dead)).toEqual({ circuit: 'open' });
  });

  test('closes once, and that of no other object', async () => {
    const [a] = sessions();
    expect(await closeCircuit(a, OBJECT)).toBe(false);
    for (const object of [OBJECT, 'Contact']) await openCircuit(a, object, 'away');
    const { since } = await circuit();
    aMillisecondLater();
    expect(await closeCircuit(a, OBJECT)).toBe(true);
    expect(await circuit()).toMatchObject({ circuit: 'closed', reason: null });
    expect((await circuit()).since.getTime()).toBeGreaterThan(since.getTime());
    expect(await closeCircuit(a, OBJECT)).toBe(false);
    expect(await circuit('Contact')).toMatchObject({ circuit: 'open' });
  });
});
