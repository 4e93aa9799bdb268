/** `sfsync.comparison`: an order to compare an object, how far it has come, and what begins it anew. */
import type pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  beginRecords,
  type ComparedPage,
  dueComparisons,
  finishRecords,
  hasLinks,
  orderComparison,
  readComparison,
  saveComparison,
} from '../../../postgres/ledger/comparison.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const OBJECT = 'Account';
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let writer: pg.Client;
beforeAll(async () => {
  session = await lender.session();
  writer = await lender.database.client();
});
beforeEach(() => rows('truncate sfsync.comparison, sfsync.link'));

const known = async () => (await readComparison(session, OBJECT)) ?? expect.unreachable('it was ordered');
const page = (after: string | undefined, marked = 0): ComparedPage => ({ looked: 10, marked, after });
const save = async (more: ComparedPage, execution = 'one') => saveComparison(session, await known(), more, execution);
const order = (reason: Parameters<typeof orderComparison>[2], records = false) =>
  orderComparison(session, OBJECT, reason, { records });

describe('an order', () => {
  test('is due until it is worked off, the objects in their order', async () => {
    await order('asked');
    await orderComparison(session, 'Aardvark', 'asked');
    expect((await dueComparisons(session)).map(({ object }) => object)).toEqual(['Aardvark', OBJECT]);
    expect(await known()).toMatchObject({
      reasons: ['asked'],
      order: '1',
      stage: 'links',
      after: null,
      looked: 0,
      marked: 0,
    });
    await rows(`update sfsync.comparison set finished_at = now() where object = 'Aardvark'`);
    expect((await dueComparisons(session)).map(({ object }) => object)).toEqual([OBJECT]);
    expect(await readComparison(session, 'Contact')).toBeUndefined();
  });

  test('that comes while one is worked off begins it anew, for both reasons, and what was found stays found', async () => {
    await order('asked');
    await save(page('k', 3));
    await order('slot moved');
    expect(await known()).toMatchObject({
      ...{ reasons: ['asked', 'slot moved'], order: '2', stage: 'links', after: null, looked: 0, marked: 3 },
    });
    await order('asked');
    expect((await known()).reasons).toEqual(['asked', 'slot moved']);
  });

  test('that comes after one was worked off is another one', async () => {
    await order('asked', true);
    await save(page('k', 3));
    await rows(`update sfsync.comparison set finished_at = now(), finished_by = 'one', swept_by = 'one'`);
    await order('slot moved');
    expect(await known()).toMatchObject({
      reasons: ['slot moved'],
      order: '2',
      marked: 0,
      finishedAt: null,
      finishedBy: null,
    });
    expect(await rows('select records, swept_by from sfsync.comparison')).toEqual([{ records: false, swept_by: null }]);
  });

  test('of the records, too, stands although a further one does not ask for that', async () => {
    await order('asked', true);
    await order('slot moved');
    expect(await rows('select records from sfsync.comparison')).toEqual([{ records: true }]);
    await order('asked', true);
    expect(await rows('select records from sfsync.comparison')).toEqual([{ records: true }]);
  });
});

describe('a comparison', () => {
  test('goes through the links, and then the rows', async () => {
    await order('asked');
    await save(page('a', 1));
    expect(await known()).toMatchObject({ stage: 'links', after: 'a', looked: 10, marked: 1 });
    await save(page('b', 2));
    expect(await known()).toMatchObject({ stage: 'links', after: 'b', looked: 20, marked: 3 });
    await save(page(undefined));
    expect(await known()).toMatchObject({ stage: 'rows', after: null, looked: 30, finishedAt: null, finishedBy: null });
    await save(page('r'));
    expect(await known()).toMatchObject({ stage: 'rows', after: 'r' });
    await save(page(undefined), 'two');
    expect(await known()).toMatchObject({ stage: 'rows', looked: 50, finishedAt: expect.any(Date), finishedBy: 'two' });
  });

  test('goes on with the records where that was ordered, and is worked off by the sweep that began then', async () => {
    await order('asked', true);
    expect(await beginRecords(session, OBJECT, 'early')).toBe(false);
    await save(page(undefined));
    await save(page(undefined), 'two');
    expect(await known()).toMatchObject({ stage: 'records', finishedAt: null, finishedBy: 'two' });
    await finishRecords(session, OBJECT, 'early');
    expect((await known()).finishedAt).toBeNull();
    expect(await beginRecords(session, 'Contact', 'sweep')).toBe(false);
    expect(await beginRecords(session, OBJECT, 'sweep')).toBe(true);
    await finishRecords(session, OBJECT, 'another sweep');
    expect((await known()).finishedAt).toBeNull();
    await finishRecords(session, OBJECT, 'sweep');
    expect((await known()).finishedAt).toEqual(expect.any(Date));
    expect(await beginRecords(session, OBJECT, 'next')).toBe(false);
  });

  test.for([
    ['began anew', () => order('slot moved')],
    ['was brought further by another execution', () => save(page('b'))],
    ['has come to another stage', () => save(page(undefined))],
    ['was worked off', () => rows('update sfsync.comparison set finished_at = now()')],
  ] as const)('is left as it is by an execution that saves its place after it %s', async ([, meanwhile]) => {
    await order('asked');
    const before = await known();
    await meanwhile();
    const then = await known();
    await saveComparison(session, before, page('x', 9), 'late');
    // Another database's session that is just ending may be waited for for a moment.
    expect(await known()).toEqual({ ...then, waits: expect.any(Boolean) });
  });

  test('of another object is left alone', async () => {
    await order('asked');
    await orderComparison(session, 'Contact', 'asked');
    await save(page('a'));
    expect(await readComparison(session, 'Contact')).toMatchObject({ after: null, looked: 0 });
  });
});

describe('transactions that are older than the order', () => {
  const waits = async () => (await known()).waits;

  test('are waited for, for what they wrote may be what was skipped', async () => {
    await writer.query('begin; select pg_current_xact_id()');
    await order('asked');
    expect(await waits()).toBe(true);
    await writer.query('commit');
    await expect.poll(waits).toBe(false);
  });

  test('are no longer waited for when they are younger, or only read', async () => {
    await order('asked');
    await writer.query('begin; select pg_current_xact_id()');
    await expect.poll(waits).toBe(false);
    await writer.query('commit; begin isolation level repeatable read; select 1');
    await order('asked');
    await expect.poll(waits).toBe(false);
    await writer.query('commit');
  });
});

test('records and rows are linked, or are not', async () => {
  expect(await hasLinks(session)).toBe(false);
  await rows(`insert into sfsync.link (object, salesforce_id) values ('Account', '001000000000001AAA')`);
  expect(await hasLinks(session)).toBe(true);
});
