import { beforeEach, describe, expect, test } from 'vitest';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { RAILS_TABLE, railsConfiguration } from '../support/postgres/rails-table.ts';
import { contextOf } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const OTHER = '001000000000002AAA';
const LONG_AFTER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows(RAILS_TABLE);
});

function account(second: number, more: Partial<SalesforceVersion> = {}): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ID, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1' }, ...more };
}

function apply(versions: readonly SalesforceVersion[], configuration: SyncConfiguration = railsConfiguration()) {
  const lines = versions.map((version, i) => ({ line: i + 1, version }));
  return applyVersions(contextOf(session, configuration, 'Account'), 'f', lines, LONG_AFTER);
}

const isNow = (column: string) => `abs(extract(epoch from ${column} - (now() at time zone 'UTC'))) < 60 as ${column}`;

describe('a row that sfsync makes', () => {
  test('gets its times in UTC, and what the configuration gives it', async () => {
    expect(await apply([account(1), account(1, { id: OTHER })])).toMatchObject({ inserted: 2, rejected: 0 });
    expect(await rows(`select kind, ${isNow('created_at')}, ${isNow('updated_at')} from accounts`)).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 3, created_at: true, updated_at: true })),
    );
    expect(await rows('select count(distinct token)::int as tokens from accounts')).toEqual([{ tokens: 2 }]);
  });

  test('has a key of its own making where the table makes none', async () => {
    await rows('alter table accounts alter column id drop default, alter column id type text');
    const made = railsConfiguration({
      onInsert: { id: { sql: "'c' || gen_random_uuid()" }, kind: 1, token: '00000000-0000-0000-0000-000000000001' },
    });
    expect(await apply([account(1)], made)).toMatchObject({ inserted: 1, rejected: 0 });
    expect(await rows('select a.id from accounts a join sfsync.link l on l.row_key = a.id')).toEqual([
      { id: expect.stringMatching(/^c[0-9a-f-]{36}$/) },
    ]);
  });

  test('is told apart from one that is refused', async () => {
    await rows(`alter table accounts add check (name <> 'bad')`);
    const bad = account(1, { id: OTHER, fields: { Name: 'bad', Phone: '1' } });
    expect(await apply([account(1), bad])).toMatchObject({ inserted: 1, rejected: 1 });
  });

  test('sends what it got in a column that only PostgreSQL owns', async () => {
    const { objects } = railsConfiguration();
    const [mapping] = objects;
    const kind = { ...mapping?.fields[0], field: 'Kind__c', column: 'kind', direction: 'to-salesforce' as const };
    const configuration = {
      ...railsConfiguration(),
      objects: objects.map((each) => ({ ...each, fields: [...each.fields, kind as (typeof each.fields)[number]] })),
    };
    const version = account(1, { fields: { Name: 'Acme', Phone: '1', Kind__c: null } });
    expect(await apply([version], configuration)).toMatchObject({ inserted: 1, due: true });
  });
});

describe('touch', () => {
  test('moves with each write of sfsync, and never back', async () => {
    await apply([account(1)]);
    await rows(`update accounts set created_at = '2026-01-01', updated_at = '2999-01-01 00:00:00'`);
    await apply([account(2, { fields: { Name: 'Acme', Phone: '2' } })]);
    expect(await rows('select updated_at::text, created_at::text from accounts')).toEqual([
      { updated_at: '2999-01-01 00:00:00.000001', created_at: '2026-01-01 00:00:00' },
    ]);
  });

  test('stays where nothing is written', async () => {
    await apply([account(1)]);
    const before = await rows('select updated_at::text from accounts');
    await apply([account(2)]);
    expect(await rows('select updated_at::text from accounts')).toEqual(before);
  });

  test('of a row that comes back it is now, and the time of its making is the first one', async () => {
    await apply([account(1)]);
    await rows(`update accounts set created_at = '2026-01-01', updated_at = '2026-01-01', kind = 7`);
    await apply([account(2, { deleted: true })]);
    expect(await rows('select from accounts')).toEqual([]);
    await apply([account(3)]);
    expect(await rows(`select kind, created_at::text, ${isNow('updated_at')} from accounts`)).toEqual([
      { kind: 7, created_at: '2026-01-01 00:00:00', updated_at: true },
    ]);
  });

  test('goes along where rows change different fields in one set', async () => {
    const fields = { Name: 'Acme', Phone: '1' };
    await apply([account(1), account(1, { id: OTHER })]);
    await rows(`update accounts set updated_at = '2026-01-01'`);
    await apply([
      account(2, { fields: { ...fields, Phone: '2' } }),
      account(2, { id: OTHER, fields: { ...fields, Name: 'B' } }),
    ]);
    expect(await rows(`select ${isNow('updated_at')} from accounts`)).toEqual([
      { updated_at: true },
      { updated_at: true },
    ]);
  });
});

describe('policy latest, by a column without time zone', () => {
  test.each([
    ['2026-01-01 12:00:09', 'row'],
    ['2026-01-01 12:00:01', 'org'],
  ])('a row edited at %s UTC against a record stamped 12:00:05 leaves the phone of the %s', async (at, winner) => {
    const configuration = railsConfiguration({}, 'latest');
    await apply([account(1)], configuration);
    await rows(`update accounts set phone = 'row', updated_at = '${at}'`);
    await apply([account(5, { fields: { Name: 'Acme', Phone: 'org' } })], configuration);
    expect(await rows('select phone from accounts')).toEqual([{ phone: winner }]);
  });
});
