import { beforeEach, describe, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { noteTables } from '../../../postgres/ledger/mapped-tables.ts';
import { openSession, type Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../../support/postgres/lender-tables.ts';

const lender = useLenderDatabase('test');
let session: Session;
beforeEach(async () => {
  await lender.rows('drop table lenders, borrowers, loan_applications cascade');
  await lender.rows(LENDER_TABLES);
  await lender.rows('alter publication sfsync set table lenders, borrowers, loan_applications');
  await lender.rows('grant select, insert, update, delete on all tables in schema public to sfsync_apply');
  // The streamer's role may read no mapped table.
  session = await openSession({
    ...lender.credentials,
    username: 'sfsync_streamer',
    password: TEST_PASSWORDS.streamer,
  });
  await noteTables(session, configuration);
  await lender.rows('truncate sfsync.comparison');
  return () => session.end();
});

const look = async () => {
  const { changed, tables } = await noteTables(session, configuration);
  const faults = tables.flatMap(({ object, faults }) => faults.map((fault) => [object, fault]));
  return { changed: Object.fromEntries(changed), faults };
};

test('nothing is due of tables that are as they were, nor of what is no change of values', async () => {
  await lender.rows('create index on lenders (phone)');
  await lender.rows('alter table lenders add column note text, alter column phone set default $$x$$');
  await lender.rows('grant select on lenders to sfsync_apply');
  await lender.rows('analyze lenders');
  await lender.rows('vacuum lenders');
  await lender.rows('create table other (id int primary key)');
  await lender.rows('alter publication sfsync add table other');
  expect(await look()).toEqual({ changed: {}, faults: [] });
  expect(await lender.rows('select from sfsync.comparison')).toEqual([]);
});

const SWAP = `create table lenders_new (like lenders including all);
  alter table lenders rename to lenders_old; alter table lenders_new rename to lenders;`;

describe('what makes a comparison due', () => {
  test.for<[string, string, string, string]>([
    ['the table is swapped by two renames', SWAP, 'Account', 'table replaced'],
    [
      'the table moves to another schema',
      'create schema other; alter table lenders set schema other',
      'Account',
      'table replaced',
    ],
    [
      'the table is dropped and made anew',
      'drop table loan_applications; create table loan_applications (id uuid primary key)',
      'Opportunity',
      'table replaced',
    ],
    [
      'a column gets a type that rounds',
      'alter table loan_applications alter column amount type numeric(14, 0)',
      'Opportunity',
      'table rewritten,column changed',
    ],
    [
      'a rewrite that changes no type',
      "alter table lenders alter column phone type text using phone || '!'",
      'Account',
      'table rewritten',
    ],
    [
      'a column is cut',
      'alter table lenders alter column phone type varchar(5)',
      'Account',
      'table rewritten,column changed',
    ],
    [
      'two columns exchange their names',
      'alter table lenders rename phone to x; alter table lenders rename website to phone; alter table lenders rename x to website',
      'Account',
      'column changed',
    ],
    [
      'a column is dropped and added again',
      'alter table lenders drop column phone; alter table lenders add column phone text',
      'Account',
      'column changed',
    ],
    [
      'the collation of a column',
      'alter table lenders alter column phone type text collate "C"',
      'Account',
      'column changed',
    ],
    ['the replica identity', 'alter table lenders replica identity full', 'Account', 'replica identity changed'],
    [
      'the table leaves the publication and comes back between two looks',
      'alter publication sfsync drop table lenders; alter publication sfsync add table lenders',
      'Account',
      'publication changed',
    ],
    [
      'a row filter is set and taken away between two looks',
      'alter publication sfsync set table lenders where (id > 5), borrowers, loan_applications; alter publication sfsync set table lenders, borrowers, loan_applications',
      'Account',
      'publication changed',
    ],
    [
      'updates are left out and published again between two looks',
      "alter publication sfsync set (publish = 'insert'); alter publication sfsync set (publish = 'insert, update, delete, truncate')",
      'Account',
      'publication changed',
    ],
    [
      'the publication is dropped and made anew',
      'drop publication sfsync; create publication sfsync for table lenders, borrowers, loan_applications with (publish_via_partition_root = true)',
      'Contact',
      'publication changed',
    ],
  ])('%s', async ([, sql, object, reasons]) => {
    for (const statement of sql.split(';')) await lender.rows(statement);
    expect((await look()).changed[object]?.join()).toBe(reasons);
    expect((await look()).changed).toEqual({});
    expect(await lender.rows('select reasons from sfsync.comparison where object = $1', [object])).toEqual([
      { reasons: reasons.split(',') },
    ]);
  });

  test('a value of an enum is renamed; one that is added is none', async () => {
    await lender.rows("create type phase as enum ('new', 'won')");
    await lender.rows('alter table loan_applications alter column stage type phase using stage::phase');
    await look();
    await lender.rows("alter type phase add value 'lost'");
    expect((await look()).changed).toEqual({});
    await lender.rows("alter type phase rename value 'won' to 'Closed Won'");
    expect((await look()).changed).toEqual({ Opportunity: ['enum renamed'] });
  });

  test('the expression of a generated column', async () => {
    await lender.rows('alter table lenders drop column website');
    await lender.rows('alter table lenders add column website text generated always as (upper(phone)) stored');
    await look();
    await lender.rows('alter table lenders alter column website set expression as (lower(phone))');
    expect((await look()).changed.Account).toContain('column changed');
  });

  test('a partition is attached, detached, and both between two looks', async () => {
    await lender.rows('drop table loan_applications');
    await lender.rows(
      `create table loan_applications (id uuid primary key, title text, amount numeric) partition by hash (id)`,
    );
    await lender.rows('create table part_0 partition of loan_applications for values with (modulus 2, remainder 0)');
    await lender.rows('alter publication sfsync add table loan_applications');
    await lender.rows('grant select, insert, update, delete on all tables in schema public to sfsync_apply');
    await look();
    await lender.rows('create table part_1 (like loan_applications including all)');
    await lender.rows('alter table loan_applications attach partition part_1 for values with (modulus 2, remainder 1)');
    expect((await look()).changed).toEqual({ Opportunity: ['partitions changed'] });
    await lender.rows('alter table loan_applications detach partition part_1');
    await lender.rows('alter table loan_applications attach partition part_1 for values with (modulus 2, remainder 1)');
    expect((await look()).changed).toEqual({ Opportunity: ['partitions changed'] });
    await lender.rows('alter publication sfsync set (publish_via_partition_root = false)');
    expect((await look()).faults).toEqual([['Opportunity', 'not by its root']]);
  });
});

describe('why edits do not come through', () => {
  test.for<[string, string, string]>([
    ['another table has the name now', SWAP, 'not published'],
    ['the steps may not read it', 'revoke select on lenders from sfsync_apply', 'no rights'],
    ['the table is taken out', 'alter publication sfsync drop table lenders', 'not published'],
    ['there is no table of that name', 'alter table lenders rename to banks', 'no table'],
    [
      'updates are left out',
      "alter publication sfsync set (publish = 'insert, delete, truncate')",
      'operations left out',
    ],
    [
      'rows are left out',
      'alter table lenders replica identity full; alter publication sfsync set table lenders where (name is not null), borrowers, loan_applications',
      'rows left out',
    ],
    ['the publication is gone', 'drop publication sfsync', 'no publication'],
    [
      'a view has taken its place',
      'alter table lenders rename to banks; create view lenders as select * from banks',
      'not a table',
    ],
  ])('%s', async ([, sql, fault]) => {
    for (const statement of sql.split(';')) await lender.rows(statement);
    expect((await look()).faults).toContainEqual(['Account', fault]);
  });

  test('a publication of a schema or of all tables is as good', async () => {
    await lender.rows('drop publication sfsync');
    await lender.rows('create publication sfsync for tables in schema public with (publish_via_partition_root = true)');
    expect((await look()).faults).toEqual([]);
    await lender.rows('drop publication sfsync');
    await lender.rows('create publication sfsync for all tables with (publish_via_partition_root = true)');
    const { faults, changed } = await look();
    expect(faults).toEqual([]);
    expect(Object.keys(changed)).toHaveLength(3);
  });
});
