/** The columns of mapped fields: what is found of them, beside what was in force, and what is remembered. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginJoin, joinPart, listJoins, takeJoined } from '../../../postgres/ledger/joining-fields.ts';
import {
  changeMeaning,
  columnState,
  type LookedColumn,
  listRefusing,
  lookAtColumns,
  noteColumnRefusal,
  noteVanished,
  registerColumns,
  takeColumn,
  type WantedColumn,
  widenMeaning,
} from '../../../postgres/ledger/mapped-columns.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows('truncate sfsync.mapped_column, sfsync.link cascade');
  await rows('drop table if exists things, owners');
  await rows('create table things (id bigint primary key, phone text, tags text[], owner_id bigint)');
});

const PHONE: WantedColumn = {
  object: 'Account',
  field: 'Phone',
  schema: 'public',
  name: 'things',
  column: 'phone',
  meaning: { kind: 'text' },
  needed: false,
};
const look = async (change: Partial<WantedColumn> = {}): Promise<LookedColumn> =>
  (await lookAtColumns(session, [{ ...PHONE, ...change }]))[0] ?? expect.unreachable('it was looked for');
/** Remembers the column as it is. */
const registered = async (change: Partial<WantedColumn> = {}) => registerColumns(session, [await look(change)]);
const stateOf = async (change: Partial<WantedColumn> = {}) => (await look(change)).state;

describe('a column', () => {
  test('is new, then in force; gone when it is not there, and returned when it is again', async () => {
    expect(await look()).toMatchObject({ state: 'new', known: false, number: 2, numbers: { phone: 2 }, stale: false });
    await registered();
    expect(await look()).toMatchObject({ state: 'in force', known: true, empty: false, changed: false, stale: false });
    await rows('alter table things drop column phone');
    const gone = await look();
    expect(gone).toMatchObject({ state: 'gone', number: null, changed: false });
    expect(await stateOf({ needed: true })).toBe('in force');
    await noteVanished(session, [gone], 'step');
    await rows(`alter table things add column phone text default '0'`);
    expect(await look()).toMatchObject({ state: 'returned', empty: true });
  });

  test('that was noted as gone, and is the one that it was, has returned with its values', async () => {
    await registered();
    await noteVanished(session, [await look()], 'step');
    expect(await look()).toMatchObject({ state: 'returned', empty: false });
  });

  test('that took the place of another before anyone looked has returned, and is empty', async () => {
    await registered();
    await rows('alter table things drop column phone, add column phone text');
    expect(await look()).toMatchObject({ state: 'returned', empty: true });
  });

  test('of a table that took the place of another is new; of one that is not there nothing is known', async () => {
    await registered();
    await rows('drop table things');
    expect(await look()).toMatchObject({ state: 'in force', table: null, number: null });
    await rows('create table things (id bigint primary key, phone text)');
    expect(await look()).toMatchObject({ state: 'new', known: true, empty: true });
    await registered();
    expect(await stateOf()).toBe('in force');
  });

  test('that was added with a default says what the rows from before hold', async () => {
    await rows('insert into things (id) values (1)');
    await rows(`alter table things add column rating text default 'cold'`);
    expect(await look({ column: 'rating' })).toMatchObject({ initial: 'cold' });
    expect(await look()).toMatchObject({ initial: null });
  });

  test('for a set is one that can hold a set; any other counts as gone', async () => {
    await rows('create domain labels as jsonb');
    await rows('alter table things add column doc json, add column documents jsonb, add column named labels');
    for (const column of ['tags', 'phone', 'doc', 'documents', 'named']) {
      expect([column, await stateOf({ column, form: 'set' })]).toEqual([column, 'new']);
    }
    expect(await stateOf({ column: 'owner_id', form: 'set' })).toBe('gone');
    expect(await stateOf({ column: 'owner_id' })).toBe('new');
    await rows('alter table things drop column named');
    await rows('drop domain labels');
  });

  test('for a lookup is one that can be compared with the key of the parent', async () => {
    await rows('create table owners (id integer primary key, code text)');
    const parent = { form: 'parent key', parent_schema: 'public', parent_name: 'owners' };
    expect(await stateOf({ column: 'owner_id', ...parent, key: 'id' })).toBe('new');
    expect(await stateOf({ column: 'phone', ...parent, key: 'id' })).toBe('gone');
    expect(await stateOf({ column: 'phone', ...parent, key: 'code' })).toBe('new');
    // Whether the parent is there is somebody else's question.
    expect(await stateOf({ column: 'phone', ...parent, parent_name: 'nobody', key: 'id' })).toBe('new');
  });

  test('with others beside it is there when all are, and another one when one of them is', async () => {
    const beside = ['owner_id', 'tags'];
    const first = await look({ beside });
    expect(first).toMatchObject({ state: 'new', numbers: { phone: 2, owner_id: 4, tags: 3 } });
    await registered({ beside });
    expect(await stateOf({ beside })).toBe('in force');
    await rows('alter table things drop column tags');
    expect(await look({ beside })).toMatchObject({ state: 'gone', number: null, numbers: { phone: 2, owner_id: 4 } });
    await rows('alter table things add column tags text[]');
    expect(await look({ beside })).toMatchObject({ state: 'returned', empty: true });
  });
});

describe('the meaning of a field', () => {
  const values = (map: Record<string, string>) => ({ meaning: { kind: 'picklist', values: map } });
  const FIRST = values({ Open: '0', Won: '1' });
  beforeEach(() => registered(FIRST));
  const seen = async (change: Partial<WantedColumn>) => {
    const { changed, widened } = await look(change);
    return changed ? 'changed' : widened ? 'widened' : 'the same';
  };

  test.each([
    ['as it was', FIRST, 'the same'],
    ['with an entry more', values({ Open: '0', Won: '1', Lost: '2' }), 'widened'],
    ['with an entry less', values({ Open: '0' }), 'the same'],
    ['with one more and one less', values({ Open: '0', Lost: '2' }), 'widened'],
    ['with another code', values({ Open: '0', Won: '2' }), 'changed'],
    ['with another value of a code', values({ Open: '0', Lost: '1' }), 'changed'],
    ['without a map', { meaning: { kind: 'picklist' } }, 'changed'],
    ['of another kind', { meaning: { ...FIRST.meaning, kind: 'text' } }, 'changed'],
  ] as const)('%s', async (_, change, expected) => {
    expect(await seen(change)).toBe(expected);
  });

  test('is another one when it lies in another column, and the same in one that was renamed', async () => {
    expect(await seen({ ...FIRST, column: 'tags' })).toBe('changed');
    await rows('alter table things rename phone to telephone');
    expect(await look({ ...FIRST, column: 'telephone' })).toMatchObject({ changed: false, stale: true });
    await registered({ ...FIRST, column: 'telephone' });
    expect(await look({ ...FIRST, column: 'telephone' })).toMatchObject({ stale: false });
  });

  test('that has changed is remembered, and what the links know of it is forgotten first', async () => {
    const other = values({ Open: '7' });
    await rows(
      `update sfsync.mapped_column set left_at = now(), vanished_at = now(), refused_at = now(), join_records = 3`,
    );
    expect(await look(other)).toMatchObject({ changed: true, back: true, forgetting: false });
    await changeMeaning(session, [await look(other)]);
    expect(await look(other)).toMatchObject({ state: 'in force', changed: false, back: false, forgetting: true });
    expect(await rows('select joining, join_records::int, refused_at, vanished_at from sfsync.mapped_column')).toEqual([
      { joining: 'forgetting', join_records: 0, refused_at: null, vanished_at: null },
    ]);
  });

  test('that has more values keeps those that it has lost', async () => {
    const other = values({ Open: '0', Lost: '2' });
    await widenMeaning(session, [await look(other)]);
    expect(await seen(other)).toBe('the same');
    expect(await seen(values({ Open: '0', Won: '3' }))).toBe('changed');
  });

  test('concerns the field alone', async () => {
    await registered({ field: 'Fax', ...FIRST });
    await changeMeaning(session, []);
    await widenMeaning(session, []);
    await registerColumns(session, []);
    await changeMeaning(session, [await look(values({ Open: '7' }))]);
    expect(await rows('select field, joining from sfsync.mapped_column order by field')).toEqual([
      { field: 'Fax', joining: null },
      { field: 'Phone', joining: 'forgetting' },
    ]);
  });
});

describe('a field that joins', () => {
  const link = (object: string, base: string | null) =>
    rows(
      `insert into sfsync.link (object, salesforce_id, base, base_deleted) values ($1, '001000000000001AAA', $2::json, case when $2 is null then null else false end)`,
      [object, base],
    );

  test('is one that comes when links have agreed on something already', async () => {
    await link('Contact', '{}');
    await link('Account', null);
    await registered();
    expect(await listJoins(session)).toEqual([]);
    await registered({ object: 'Contact' });
    expect(await listJoins(session)).toEqual([{ object: 'Contact', field: 'Phone', records: 0 }]);
  });

  test('is told once, with the records that were read for its sake', async () => {
    await link('Account', '{}');
    await registered();
    await registered({ field: 'Fax' });
    expect(await joinPart(session, 'Account', ['Fax', 'Phone'])).toEqual({ isDone: false, marked: 1 });
    expect(await takeJoined(session, 'Account')).toEqual([]);
    expect(await joinPart(session, 'Account', ['Fax', 'Phone'])).toEqual({ isDone: false, marked: 0 });
    expect(await joinPart(session, 'Account', ['Fax', 'Phone'])).toEqual({ isDone: true, marked: 0 });
    expect(await takeJoined(session, 'Contact')).toEqual([]);
    expect(await takeJoined(session, 'Account')).toEqual([
      { field: 'Fax', records: 1 },
      { field: 'Phone', records: 1 },
    ]);
    expect([await takeJoined(session, 'Account'), await listJoins(session)]).toEqual([[], []]);
  });

  test('for whose sake nothing was read is not told', async () => {
    await registered();
    await beginJoin(session, 'Account', ['Phone'], 'all');
    expect(await joinPart(session, 'Account', ['Phone'])).toEqual({ isDone: false, marked: 0 });
    expect(await takeJoined(session, 'Account')).toEqual([]);
  });
});

describe('a column that is gone', () => {
  test('is reported by the step that saw it first, also when it is tried again', async () => {
    await registered();
    await rows('alter table things drop column phone');
    const gone = [await look(), await look({ field: 'Fax', column: 'fax' })];
    expect(await noteVanished(session, [], 'one')).toEqual([]);
    expect(await noteVanished(session, gone, undefined)).toEqual([]);
    expect(await noteVanished(session, gone, 'one')).toEqual(['Fax', 'Phone']);
    expect(await noteVanished(session, gone, 'two')).toEqual([]);
    expect(await noteVanished(session, gone, 'one')).toEqual(['Fax', 'Phone']);
  });
});

describe('a column that is back', () => {
  const place = { table: '1', number: 2 };
  const state = (at = place) => columnState(session, 'Account', 'Phone', at);
  const refusal = (step: string | undefined, isNew = true) =>
    noteColumnRefusal(session, 'Account', 'Phone', { step, isNew });
  beforeEach(() =>
    rows(`insert into sfsync.mapped_column (object, field, table_oid, attnum, vanished_at) values
      ('Account', 'Phone', 1, 2, now()), ('Account', 'Fax', 1, 2, now())`),
  );

  test('is due until it is taken; then it is in force where it lies', async () => {
    expect(await state()).toBe('due');
    expect(await columnState(session, 'Account', 'Unknown', place)).toBe('due');
    await takeColumn(session, 'Account', 'Phone', place);
    expect(await state()).toBe('in force');
    expect([await state({ ...place, number: 3 }), await state({ ...place, table: '4' })]).toEqual(['due', 'due']);
    expect(await columnState(session, 'Account', 'Fax', place)).toBe('due');
  });

  test('and does not take its values is left out for a while, and reported by the step that can first', async () => {
    expect(await refusal(undefined)).toBe(false);
    expect(await refusal('one', false)).toBe(true);
    expect([await refusal('two'), await refusal('one')]).toEqual([false, true]);
    expect(await state()).toBe('refused');
    expect(await columnState(session, 'Account', 'Fax', place)).toBe('due');
    expect(await listRefusing(session)).toEqual([{ object: 'Account', field: 'Phone', since: expect.any(Date) }]);
    await rows(`update sfsync.mapped_column set refused_at = now() - interval '5 minutes 1 second'`);
    expect(await state()).toBe('due');
    // That it was refused before is no refusal of now.
    await refusal('three', false);
    expect(await state()).toBe('due');
    await takeColumn(session, 'Account', 'Phone', place);
    expect((await listRefusing(session)).map(({ field }) => field)).toEqual(['Fax']);
  });
});
