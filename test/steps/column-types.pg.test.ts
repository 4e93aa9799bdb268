import { expect, test } from 'vitest';
import { date, datetime, defineSync, number, text } from '../../core/mapping/configuration.ts';
import { localTime } from '../../core/mapping/local-time.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import sample from '../../examples/lender/sync.config.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { lockRows, type RowSelection } from '../../postgres/tables/rows.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const LONG_AFTER = Date.UTC(2030, 0, 1);
const ID = '006000000000001AAA';
const lender = useLenderDatabase('test');
const { rows } = lender;

function file(session: Session, ...versions: SalesforceVersion[]) {
  const context = contextOf(session, sample, 'Opportunity', 'a file');
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(context, 'f', lines, LONG_AFTER);
}

function fieldsOf(session: Session, selection: RowSelection) {
  const { mapping } = contextOf(session, sample, 'Opportunity', 'a look');
  return inTransaction(session, () => lockRows(session, sample, mapping, selection));
}

test.for([
  ['text[]', '{Car,House}', '{House,"Car"}'],
  ['varchar(40)[]', '{Car,House}', '{House,"Car"}'],
  ['purpose[]', '{Car,House}', '{House,Car}'],
  ['purposes_of_the_application', '{Car,House}', '{House,Car}'],
  ['jsonb', '["Car", "House"]', '["House", "Car", null]'],
  ['json', '["Car","House"]', ' ["House" ,"Car"]'],
  ['text', 'Car;House', ' House; Car'],
  ['varchar(40)', 'Car;House', 'House;Car'],
] as const)('a column of type %s holds a set', async ([type, written, spelled]) => {
  const session = await lender.session();
  await rows(`create schema kinds; create type kinds.purpose as enum ('Car', 'House', 'Boat');
    create domain purposes_of_the_application as text[] check (cardinality(value) < 4);
    grant usage on schema kinds to sfsync_apply`);
  const column = type.startsWith('purpose[') ? `kinds.${type}` : type;
  await rows(`alter table loan_applications alter purposes type ${column} using null`);
  const shown = () => rows('select purposes::text as value from loan_applications order by salesforce_id');
  const purposes = async () => (await fieldsOf(session, { salesforceIds: [ID] }))[0]?.fields.Purposes__c;

  await file(session, version('Opportunity', ID, 1, { Purposes__c: 'Car;House' }));
  expect(await shown()).toEqual([{ value: written }]);
  await rows(`update loan_applications set purposes = '${spelled}'`);
  expect(await purposes()).toBe('Car;House');
  expect(await file(session, version('Opportunity', ID, 2, { Purposes__c: 'Boat' }))).toMatchObject({ rejected: 0 });
  expect(await purposes()).toBe('Boat');

  const others = [
    version('Opportunity', '006000000000002AAA', 1, { Purposes__c: 'Car;House' }),
    version('Opportunity', '006000000000003AAA', 1, { Purposes__c: 'Boat', Name: null }),
  ];
  expect(await file(session, ...others)).toMatchObject({ inserted: 1, rejected: 1 });
  expect((await shown()).at(-1)).toEqual({ value: written });
  await rows(`update loan_applications set purposes = null`);
  expect(await purposes()).toBeNull();
});

test('JSON that is no array is no set, and says nothing of the other rows', async () => {
  const session = await lender.session();
  await rows('alter table loan_applications alter purposes type jsonb using null');
  await file(session, version('Opportunity', ID, 1), version('Opportunity', '006000000000002AAA', 1));
  await rows(
    `update loan_applications set purposes = case salesforce_id when '${ID}' then '{"a": 1}' else 'null' end::jsonb`,
  );
  const look = () => fieldsOf(session, { salesforceIds: [ID, '006000000000002AAA'] });
  await expect(look()).rejects.toMatchObject({ code: 'COLUMN_UNREADABLE' });
  const found = new Map((await look()).map(({ salesforceId, fields }) => [salesforceId, fields.Purposes__c]));
  expect(found.get(ID)).toEqual({ unreadable: true });
  expect(found.get('006000000000002AAA')).toBeNull();
});

const zoned = defineSync({
  objects: {
    Opportunity: {
      table: 'public.loan_applications',
      zone: 'Europe/Berlin',
      updatedAt: 'updated_at',
      fields: {
        Name: text('title'),
        StageName: text('stage'),
        CloseDate: date('closes_on', { dayIn: 'Europe/Berlin' }),
        Approved_At__c: datetime('approved_at', { policy: 'latest' }),
      },
    },
  },
});

test('a timestamp column holds the local times of its zone; of a date, its beginning there', async () => {
  const session = await lender.session();
  await rows(
    `alter table loan_applications alter approved_at type timestamp, alter closes_on type timestamp, alter updated_at type timestamp, disable trigger user`,
  );
  const bring = (second: number, fields: Record<string, string>) => {
    const context = contextOf(session, zoned, 'Opportunity', 'a file');
    return applyVersions(context, 'f', [{ line: 1, version: version('Opportunity', ID, second, fields) }], LONG_AFTER);
  };
  const row = async () => (await rows('select approved_at::text, closes_on::text from loan_applications'))[0];
  const read = async () => {
    const { mapping } = contextOf(session, zoned, 'Opportunity', 'a look');
    return (await inTransaction(session, () => lockRows(session, zoned, mapping, { salesforceIds: [ID] })))[0];
  };

  await bring(1, { Approved_At__c: '2024-07-01T12:00:00Z', CloseDate: '2024-07-01' });
  expect(await row()).toEqual({ approved_at: '2024-07-01 14:00:00', closes_on: '2024-07-01 00:00:00' });
  await rows(
    `update loan_applications set approved_at = '2024-01-01 13:00:00.75', closes_on = '2024-07-01 17:30', updated_at = '2026-01-01 13:00'`,
  );
  expect(await read()).toMatchObject({
    fields: { Approved_At__c: '2024-01-01T12:00:00Z', CloseDate: '2024-07-01' },
    editedAt: Date.UTC(2026, 0, 1, 12),
  });
  // The time of the day stays while the day is the same, and so does the part of a second.
  await bring(2, { Approved_At__c: '2024-01-01T12:00:00Z', CloseDate: '2024-07-01' });
  expect(await row()).toEqual({ approved_at: '2024-01-01 13:00:00.75', closes_on: '2024-07-01 17:30:00' });

  // The clocks of Berlin are set back: its second half past two cannot be told from the first.
  const second = await bring(3, { Approved_At__c: '2024-10-27T01:30:00Z', CloseDate: '2024-07-02' });
  expect(second).toMatchObject({
    rejected: 0,
    due: false,
    reasons: [{ code: 'COLUMN_INEXACT', field: 'Approved_At__c', count: 1 }],
  });
  expect(await row()).toEqual({ approved_at: '2024-10-27 02:30:00', closes_on: '2024-07-02 00:00:00' });
  expect(await rows('select base, inexact, dirty from sfsync.link')).toMatchObject([
    {
      base: { Approved_At__c: '2024-10-27T01:30:00Z' },
      inexact: { Approved_At__c: '2024-10-27T00:30:00Z' },
      dirty: false,
    },
  ]);
});

test('local times are the same to the server', async () => {
  const from = Date.UTC(1990, 0, 1);
  const instants = Array.from({ length: 5000 }, (_, i) => from + i * 2.6 * 86_400_000);
  for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata']) {
    const found = await rows(
      `select to_char(at::timestamptz at time zone $2, 'YYYY-MM-DD"T"HH24:MI:SS') as local from unnest($1::text[]) as x (at)`,
      [instants.map((instant) => new Date(instant).toISOString()), zone],
    );
    expect(found.map(({ local }) => local)).toEqual(instants.map((instant) => localTime(instant, zone).slice(0, 19)));
  }
});

test('a text that is too long for the domain of its column is refused, and not cut', async () => {
  const session = await lender.session();
  await rows('create domain short as varchar(10); alter table loan_applications alter stage type short using null');
  await file(session, version('Opportunity', ID, 1, { StageName: 'Closed Won' }));
  await file(session, version('Opportunity', ID, 2, { StageName: 'Closed Won again' }));
  expect(await rows('select stage from loan_applications')).toEqual([{ stage: 'Closed Won' }]);
  expect(await rows('select code from sfsync.rejected_record where resolved_at is null')).toEqual([{ code: '22001' }]);
});

const dealt = defineSync({
  objects: {
    Opportunity: {
      table: 'public.deals',
      fields: { Name: text('name'), Amount: number('doubled', { direction: 'to-salesforce' }) },
    },
  },
});

test('identity and generated columns are left alone, of rows that are refused beside others, too', async () => {
  const session = await lender.session();
  await rows(`create table deals (id bigint generated always as identity primary key, salesforce_id text unique, name text check (name <> 'bad'),
      no int generated by default as identity (start 7), doubled int generated always as (no * 2) stored);
    grant select, insert, update, delete on deals to sfsync_apply; grant usage on sequence deals_id_seq to sfsync_apply`);
  const bring = (second: number, ...names: string[]) => {
    const context = contextOf(session, dealt, 'Opportunity', 'a file');
    const lines = names.map((Name, i) => ({
      line: i + 1,
      version: { ...version('Opportunity', `00600000000000${i}AAA`, second), fields: { Name, Amount: null } },
    }));
    return applyVersions(context, 'f', lines, LONG_AFTER);
  };
  expect(await bring(1, 'One', 'bad', 'Three')).toMatchObject({ inserted: 2, rejected: 1 });
  expect(await rows('select code from sfsync.rejected_record')).toEqual([{ code: '23514' }]);
  expect(await bring(2, 'Uno', 'Two', 'Tre')).toMatchObject({ updated: 2, inserted: 1, rejected: 0 });
  const found = await rows('select id::int, name, no, doubled from deals order by salesforce_id');
  expect(found.map(({ name }) => name)).toEqual(['Uno', 'Two', 'Tre']);
  expect(found.every(({ no, doubled }) => no >= 7 && doubled === no * 2)).toBe(true);
  expect(new Set(found.map(({ id }) => id)).size).toBe(3);
});

test('a column that allows no null holds an empty text, if that is its default, and an empty set', async () => {
  const session = await lender.session();
  await rows(`create domain short_name as varchar(40) not null;
    alter table loan_applications alter title set default '', alter title set not null,
      alter stage set default '', alter stage set not null, alter stage type short_name,
      alter purposes set default '{Car}', alter purposes set not null`);
  const shown = () => rows('select title, stage, purposes from loan_applications order by salesforce_id');
  const EMPTY = { Name: null, StageName: null, Purposes__c: null };
  const FULL = { Name: 'Barn', StageName: 'Approved', Purposes__c: 'House' };

  // A new row, one that is changed, one that is found again, and one of a set in which another is refused.
  expect(await file(session, version('Opportunity', ID, 1, EMPTY))).toMatchObject({ inserted: 1, rejected: 0 });
  expect(await shown()).toEqual([{ title: '', stage: '', purposes: [] }]);
  expect((await fieldsOf(session, { salesforceIds: [ID] }))[0]?.fields).toMatchObject(EMPTY);
  await file(session, version('Opportunity', ID, 2, FULL));
  expect(await file(session, version('Opportunity', ID, 3, EMPTY))).toMatchObject({ updated: 1, rejected: 0 });
  expect(await file(session, version('Opportunity', ID, 4, EMPTY))).toMatchObject({ updated: 0, conflicts: 0 });
  expect(await shown()).toEqual([{ title: '', stage: '', purposes: [] }]);

  await rows(`alter table loan_applications add check (amount > 0)`);
  const others = [
    version('Opportunity', '006000000000002AAA', 1, { ...EMPTY, Amount: '-1' }),
    version('Opportunity', '006000000000003AAA', 1, EMPTY),
  ];
  expect(await file(session, ...others)).toMatchObject({ inserted: 1, rejected: 1 });
  expect((await shown()).at(-1)).toEqual({ title: '', stage: '', purposes: [] });
});
