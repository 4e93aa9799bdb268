/** What was mapped before, and which columns have changed a value of Salesforce: each is found out, and reported, once. */

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inexactToReport, listInexact, noteInexact } from '../../../postgres/ledger/inexact-columns.ts';
import { noteMapped } from '../../../postgres/ledger/mapped-objects.ts';
import { saveSweptUntil, sweptUntil } from '../../../postgres/ledger/sweep.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { aMillisecondLater } from '../../support/a-millisecond-later.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => rows('truncate sfsync.mapped_object, sfsync.mapped_column, sfsync.inexact_column, sfsync.sweep'));

describe('an object of the configuration', () => {
  const note = (object: string, more: { fields?: string[]; filter?: string | undefined; objects?: string[] } = {}) =>
    noteMapped(session, { object, fields: ['Name'], filter: undefined, objects: ['Account', 'Contact'], ...more });
  const left = async () =>
    (
      await rows(`select object || coalesce('.' || field, '') as what from (
        select object, null as field from sfsync.mapped_object where left_at is not null
        union all select object, field from sfsync.mapped_column where left_at is not null) gone order by 1`)
    ).map(({ what }) => what);

  test('is the same as before, unless it has another row filter, or was away', async () => {
    expect(await note('Account')).toBe('the same');
    expect(await note('Account')).toBe('the same');
    expect(await note('Account', { filter: 'a' })).toBe('refiltered');
    expect(await note('Account', { filter: 'a' })).toBe('the same');
    expect(await note('Account', { filter: 'b' })).toBe('refiltered');
    expect(await note('Account')).toBe('refiltered');
    await note('Contact', { objects: ['Contact'] });
    expect(await left()).toEqual(['Account']);
    expect(await note('Account', { filter: 'c' })).toBe('back');
    expect(await note('Account', { filter: 'c' })).toBe('the same');
    expect(await left()).toEqual([]);
  });

  test('has lost fields that its mapping is without, and all of an object that is gone', async () => {
    const column = (object: string, field: string) =>
      rows('insert into sfsync.mapped_column (object, field, table_oid) values ($1, $2, 1)', [object, field]);
    for (const [object, field] of [
      ['Account', 'Name'],
      ['Account', 'Phone'],
      ['Contact', 'Phone'],
      ['Lead', 'Name'],
    ] as const) {
      await column(object, field);
    }
    await note('Account');
    expect(await left()).toEqual(['Account.Phone', 'Lead.Name']);
    const [{ at }] = await rows(
      `select left_at as at from sfsync.mapped_column where field = 'Phone' and object = 'Account'`,
    );
    await note('Account');
    expect(
      await rows(`select left_at as at from sfsync.mapped_column where field = 'Phone' and object = 'Account'`),
    ).toEqual([{ at }]);
  });
});

describe('a column that has changed a value', () => {
  const note = (step: string, field: string, type = 'numeric(9,2)', object = 'Account') =>
    noteInexact(session, object, [{ field, type }], step);

  test('is reported by the step that noted it first, also when it is tried again', async () => {
    await note('one', 'Amount');
    await note('two', 'Amount');
    await note('two', 'Phone', 'text');
    await note('one', 'Amount', 'numeric(9,2)', 'Contact');
    expect(await inexactToReport(session, 'Account', 'one')).toEqual(['Amount']);
    expect(await inexactToReport(session, 'Account', 'two')).toEqual(['Phone']);
    expect(await inexactToReport(session, 'Contact', 'two')).toEqual([]);
    expect((await listInexact(session)).map(({ object, field }) => `${object}.${field}`)).toEqual([
      ...['Account.Amount', 'Account.Phone', 'Contact.Amount'],
    ]);
  });

  test('is reported again once it has another type', async () => {
    await note('one', 'Amount');
    const [before] = await listInexact(session);
    aMillisecondLater();
    await note('two', 'Amount', 'numeric(9,1)');
    expect(await inexactToReport(session, 'Account', 'one')).toEqual([]);
    expect(await inexactToReport(session, 'Account', 'two')).toEqual(['Amount']);
    const [after] = await listInexact(session);
    expect(after?.type).toBe('numeric(9,1)');
    expect(after?.since.getTime()).toBeGreaterThan(before?.since.getTime() ?? 0);
  });
});

test('what was swept is not forgotten by a sweep that began earlier', async () => {
  const [early, late] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
  expect(await sweptUntil(session, 'Account')).toBeUndefined();
  await saveSweptUntil(session, 'Account', late);
  await saveSweptUntil(session, 'Account', early);
  expect(await sweptUntil(session, 'Account')).toBe(late);
  await saveSweptUntil(session, 'Account', late + 1);
  expect([await sweptUntil(session, 'Account'), await sweptUntil(session, 'Contact')]).toEqual([late + 1, undefined]);
});
