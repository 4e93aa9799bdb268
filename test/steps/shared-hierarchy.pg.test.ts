/** Single-table inheritance: the table holds rows of several kinds, and one of them is mapped. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { compareRows } from '../../steps/comparison/pages.ts';
import { beginLoad, compareStored, countPlaces, storeRecords, storeRows } from '../../steps/first-load/plan.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { RAILS_TABLE, railsConfiguration } from '../support/postgres/rails-table.ts';
import { contextOf } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const OTHER = '001000000000002AAA';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const configuration = railsConfiguration({
  filter: { where: 'kind = 2', values: { kind: 2 } },
  onInsert: { token: { sql: 'gen_random_uuid()' } },
  matchBy: 'Name',
  insert: true,
  externalId: 'Key__c',
});

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows(RAILS_TABLE);
});

const context = () => contextOf(session, configuration, 'Account');

function account(second: number, more: Partial<SalesforceVersion> = {}): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ID, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1' }, ...more };
}

function apply(version: SalesforceVersion) {
  return applyVersions(context(), 'f', [{ line: 1, version }], LONG_AFTER);
}

function insert(name: string, kind: number, id: string | null = null) {
  const columns = 'name, kind, salesforce_id, token, created_at, updated_at';
  return rows(`insert into accounts (${columns}) values ($1, $2, $3, gen_random_uuid(), now(), now())`, [
    name,
    kind,
    id,
  ]);
}

const keys = async () => (await rows('select id from accounts order by id')).map(({ id }) => String(id));

test('a new row is of the kind that is mapped', async () => {
  expect(await apply(account(1))).toMatchObject({ inserted: 1, rejected: 0 });
  expect(await rows('select kind from accounts')).toEqual([{ kind: 2 }]);
});

test('a record is matched with rows of its kind only', async () => {
  await insert('Acme', 1);
  await insert('Other', 2);
  expect(await apply(account(1))).toMatchObject({ inserted: 1, rejected: 0 });
  expect(await apply(account(1, { id: OTHER, fields: { Name: 'Other', Phone: '1' } }))).toMatchObject({ inserted: 0 });
  expect(await rows('select name, kind, salesforce_id from accounts order by id')).toEqual([
    { name: 'Acme', kind: 1, salesforce_id: null },
    { name: 'Other', kind: 2, salesforce_id: OTHER },
    { name: 'Acme', kind: 2, salesforce_id: ID },
  ]);
});

describe('rows of another kind', () => {
  beforeEach(async () => {
    await insert('Acme', 1);
    await insert('Strange', 1, ID);
    await insert('Ours', 2);
  });

  test('become no records, and are no rows of records whose ids they carry', async () => {
    const received = await inTransaction(session, async () => receiveKeys(context(), await keys()));
    expect(received).toMatchObject({ marked: 0, inserts: 1 });
    expect(await rows('select from sfsync.link')).toEqual([]);
  });

  test('are passed over by a comparison', async () => {
    expect(await compareRows(context(), undefined)).toMatchObject({ looked: 1, marked: 1 });
  });

  test('are passed over by the first load', async () => {
    const [mapping] = configuration.objects;
    if (mapping === undefined) return expect.unreachable();
    await beginLoad(session);
    await storeRecords(session, [{ id: OTHER, key: 'Acme' }]);
    await storeRows(session, mapping, () => undefined);
    await compareStored(session, mapping.object);
    const { records, rows: found } = await countPlaces(session);
    expect([records.onlyInSalesforce, found.onlyInPostgres, found.idNotLive]).toEqual([1, 1, 0]);
  });
});
