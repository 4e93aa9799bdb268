import { beforeEach, describe, expect, test } from 'vitest';
import { defineSync, text } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { readHeld } from '../../postgres/ledger/held-deletes.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { confirmHeldReport, releaseHeld, restoreHeld } from '../../steps/delete-guard.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { EXECUTION, OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';

const RECORDS = 30;
const fields = { Name: text('name'), Phone: text('phone') };
const deleteGuard = { atLeast: 2, percent: 10, windowMinutes: 60 };
const account = { table: 'lenders', delivery: 'api' as const, deleteGuard, fields };
const configuration = defineSync({ objects: { Account: account } });

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let rounds: OutboundRounds;

beforeEach(async () => {
  session = await lender.session();
  rounds = await OutboundRounds.begin(session, configuration, 'Account');
  const lines = Array.from({ length: RECORDS }, (_, i) => ({ line: i, version: live(idOf(i)) }));
  await applyVersions(contextOf(session, configuration, 'Account'), 'f', lines, Date.UTC(2030, 0, 1));
});

const idOf = (i: number) => `0010000000000${String(i).padStart(2, '0')}AAA`;
const STAMP = Date.UTC(2026, 0, 1);

function live(id: string): SalesforceVersion {
  return { id, deleted: false, mergedInto: undefined, stamp: STAMP, fields: { Name: id, Phone: '1' } };
}
const gone = (id: string): SalesforceVersion => ({ ...live(id), deleted: true, stamp: STAMP + 1000 });

/** The application deletes rows, and their keys are collected and decided. */
async function deletes(where: string, batchId = 'one-0') {
  const deleted = await rows(`delete from lenders where ${where} returning id`);
  return rounds.decide(await rounds.collectKeys(...deleted.map(({ id }) => id)), live, batchId);
}

test('deletes that are as usual are sent', async () => {
  const decided = await deletes(`name in ('${idOf(0)}', '${idOf(1)}', '${idOf(2)}')`);
  expect(decided).toMatchObject({ heldDeletes: 0 });
  expect(decided.pushes).toHaveLength(3);
});

test('a batch of deletes in unusual number is held as a whole, reported once, and updates go on', async () => {
  await rows(`update lenders set phone = 'new' where name = '${idOf(29)}'`);
  const [{ id }] = await rows(`select id from lenders where name = '${idOf(29)}'`);
  const deleted = await rows(`delete from lenders where name < '${idOf(20)}' returning id`);
  const batch = await rounds.collectKeys(id, ...deleted.map((row) => row.id));
  const decided = await rounds.decide(batch, live);
  expect(decided.heldDeletes).toBe(20);
  expect(decided.pushes).toMatchObject([{ id: idOf(29), push: { outgoing: { kind: 'update' } } }]);
  expect((await readHeld(session, 'Account')).count).toBe(20);
  const phone = { Name: idOf(29), Phone: 'new' };
  await rounds.settle(decided.pushes, (record) => ({ ...live(record), fields: phone }));

  expect(await rounds.collectKeys(...deleted.map((row) => row.id))).toEqual([]);
  const later = await deletes(`name = '${idOf(28)}'`, 'one-1');
  expect(later).toMatchObject({ pushes: [], heldDeletes: 0 });
  expect((await readHeld(session, 'Account')).count).toBe(21);
});

test('deletes are counted over the window, not for each batch', async () => {
  const { pushes } = await deletes(`name < '${idOf(3)}'`);
  expect(pushes).toHaveLength(3);
  await rounds.settle(pushes, gone);
  expect(await deletes(`name = '${idOf(5)}'`, 'one-1')).toMatchObject({ pushes: [], heldDeletes: 1 });
  await rows(`update sfsync.chosen_delete set minute = minute - interval '61 minutes'`);
  expect((await deletes(`name = '${idOf(6)}'`, 'one-2')).pushes).toHaveLength(1);
});

test('a delete that has passed is not counted again when it has to be repeated', async () => {
  const { pushes } = await deletes(`name < '${idOf(3)}'`);
  const busy = pushes.map(({ id }) => ({ id, outcome: 'not applied' as const }));
  await rounds.settle(pushes, live, busy);
  expect((await rounds.decide(await rounds.collect(), live, 'one-1')).pushes).toHaveLength(3);
});

describe('that deletes are held is reported', () => {
  const other = EXECUTION.replace(/:one$/, ':two');
  const confirm = (execution: string) => confirmHeldReport(session, 'Account', execution);

  test('by the batch that holds the first ones, also when it is decided once more', async () => {
    expect(await deletes('true')).toMatchObject({ heldDeletes: RECORDS });
    expect(await rounds.decide([], live)).toMatchObject({ heldDeletes: RECORDS });
    expect(await rounds.decide([], live, 'one-1')).toMatchObject({ heldDeletes: 0 });
    // The execution goes on: it has reported them. No execution does so again.
    expect(await confirm(EXECUTION)).toBe(false);
    expect(await confirm(other)).toBe(false);
    expect(await rounds.decide([], live, 'two-0')).toMatchObject({ heldDeletes: 0 });
  });

  test('by the next execution when the one that held them died before it reported them', async () => {
    await deletes('true');
    expect(await confirm(other)).toBe(true);
    // There is a batch for it, in which nothing is sent.
    const batch = await rounds.collect();
    expect(batch).toHaveLength(1);
    expect(await rounds.decide(batch, live, 'two-0')).toMatchObject({ pushes: [], heldDeletes: RECORDS });
    expect(await confirm(other)).toBe(false);
    expect(await rounds.collect()).toEqual([]);
    expect((await readHeld(session, 'Account')).count).toBe(RECORDS);
  });

  test('of a storm after another one that is over', async () => {
    await deletes(`name < '${idOf(20)}'`);
    await confirm(EXECUTION);
    await restoreHeld(session, 'Account');
    await rounds.decide(await rounds.collect(), live, 'one-1');
    expect(await deletes(`name < '${idOf(15)}'`, 'one-2')).toMatchObject({ heldDeletes: 15 });
  });

  test('and not at all when they were released before the next execution', async () => {
    await deletes('true');
    await releaseHeld(session, 'Account');
    expect(await confirm(other)).toBe(false);
    expect(await rounds.decide([], live, 'two-0')).toMatchObject({ heldDeletes: 0 });
  });
});

describe('TRUNCATE', () => {
  test('is a delete of every row, and so held', async () => {
    await rows('truncate lenders cascade');
    const decided = await rounds.decide(await rounds.collect({ truncated: true }), live);
    expect(decided).toMatchObject({ pushes: [], heldDeletes: RECORDS });
  });

  test('leaves alone rows that have been inserted again with their record', async () => {
    await rows(`create temporary table kept as select * from lenders where name <> '${idOf(0)}';
                truncate lenders cascade; insert into lenders select * from kept;
                update lenders set id = gen_random_uuid() where name = '${idOf(1)}'`);
    const { pushes } = await rounds.decide(await rounds.collect({ truncated: true }), live);
    expect(pushes).toMatchObject([{ id: idOf(0), push: { outgoing: { kind: 'delete' } } }]);
  });

  test('is looked at only when it is visible', async () => {
    const writer = await lender.database.client();
    await writer.query('begin; truncate lenders cascade');
    const [{ xid }] = (await writer.query('select pg_current_xact_id()::text as xid')).rows;
    expect(await rounds.collect({ truncated: true, transactions: [xid] })).toEqual([]);
    await writer.query('commit');
    expect(await rounds.collect(...rounds.sentAgain.splice(0))).toHaveLength(RECORDS);
  });
});

describe('sfsync release', () => {
  beforeEach(async () => {
    expect(await deletes('true')).toMatchObject({ pushes: [], heldDeletes: RECORDS });
  });

  test('lets the deletes go, all of them, and counting begins anew', async () => {
    expect(await releaseHeld(session, 'Account')).toBe(RECORDS);
    const { pushes, heldDeletes } = await rounds.decide(await rounds.collect(), live, 'one-1');
    expect(heldDeletes).toBe(0);
    expect(pushes).toHaveLength(RECORDS);
    await rounds.settle(pushes, gone, [], 'one-1');
    expect(await rows('select count(*)::int from sfsync.link where base_deleted and delete_guard is null')).toEqual([
      { count: RECORDS },
    ]);
  });

  test('--restore makes the rows anew under their keys', async () => {
    const before = await rows('select salesforce_id, row_key as key from sfsync.link order by 1');
    expect(await restoreHeld(session, 'Account')).toBe(RECORDS);
    expect(await rounds.decide(await rounds.collect(), live, 'one-1')).toMatchObject({ pushes: [], rejected: 0 });
    expect(await rows('select salesforce_id, id::text as key from lenders order by 1')).toEqual(before);
    expect(await rows('select count(*)::int from sfsync.link where dirty or delete_guard is not null')).toEqual([
      { count: 0 },
    ]);
  });

  test('has nothing to do for a row that has come back by itself', async () => {
    await rows(`insert into lenders (name, phone, salesforce_id) values ('back', '1', '${idOf(0)}')`);
    const [{ id }] = await rows('select id from lenders');
    const { pushes } = await rounds.decide(await rounds.collectKeys(id), live, 'one-1');
    expect(pushes).toMatchObject([{ id: idOf(0), push: { outgoing: { kind: 'update', fields: { Name: 'back' } } } }]);
    expect((await readHeld(session, 'Account')).count).toBe(RECORDS - 1);
  });
});
