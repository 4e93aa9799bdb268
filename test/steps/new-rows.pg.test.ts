/** New rows and the records that name them, on a real database. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mappingOf, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import sample from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { chooseNewRows } from '../../steps/new-rows/choose-new-rows.ts';
import { wakeChildren } from '../../steps/parents/wake-children.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

/** The sample, in which new lenders become records, too. */
const configuration: SyncConfiguration = {
  ...sample,
  objects: sample.objects.map((mapping) =>
    mapping.object === 'Account' ? { ...mapping, externalIdField: 'Key__c' } : mapping,
  ),
};
const mapping = mappingOf(configuration, 'Opportunity');
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const AT = { readAt: 0, now: 0 };
const LOAN = '006000000000001AAA';
const OTHER = '006000000000002AAA';
const BANK = '001000000000001AAA';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone, sfsync.insertion`);
  await takeLease(session, 'Opportunity', EXECUTION, async () => true);
});

async function insert(parent: string | null = null): Promise<string> {
  const key = randomUUID();
  await rows(
    `insert into loan_applications (id, title, stage, closes_on, lender_id) values ($1, 'Mine', 'Prospecting', '2026-12-31', $2)`,
    [key, parent],
  );
  await receiveKeys({ session, configuration, mapping }, [key]);
  return key;
}

function file(object: string, versions: readonly SalesforceVersion[], by = session) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(by, configuration, object), 'f', lines, Date.UTC(2100, 0, 1));
}

const decide = (newRows: NonNullable<Parameters<typeof decideBatch>[3]['newRows']>) =>
  decideBatch(outbound(), 'one-0', [], { ...AT, newRows });

const named = (id: string, externalId: string, second = 1): SalesforceVersion => ({
  ...version('Opportunity', id, second, { Name: 'Theirs' }),
  externalId,
});
const loans = () => rows('select id, salesforce_id from loan_applications order by salesforce_id');
const insertions = () => rows('select row_key, dirty, revision::int from sfsync.insertion');

const outbound = () => contextOf(session, configuration, 'Opportunity', EXECUTION);
const choose = async () => (await chooseNewRows(outbound(), 10)).due;
const chooseLinks = () => chosenRecords(outbound(), { flowFenced: true });

test('two executions with the same file: one row and one link', async () => {
  const key = await insert();
  const second = await lender.session();
  await Promise.all([file('Opportunity', [named(LOAN, key)]), file('Opportunity', [named(LOAN, key)], second)]);
  expect(await loans()).toEqual([{ id: key, salesforce_id: LOAN }]);
  expect(await rows('select salesforce_id, row_key from sfsync.link')).toEqual([{ salesforce_id: LOAN, row_key: key }]);
  expect(await insertions()).toEqual([]);
});

test('a file that is faster than the answer to the upsert: its record is counted once, and read again', async () => {
  const key = await insert();
  const counts = { inserted: 0, updated: 1, deleted: 0, unchanged: 0 };
  expect(await file('Opportunity', [named(LOAN, key)])).toMatchObject({ ...counts, toRead: [{ id: LOAN }] });
  const again = await file('Opportunity', [named(LOAN, key)]);
  expect(again).toMatchObject({ ...counts, updated: 0, unchanged: 1, toRead: [] });
});

test('two records that name one row: the first gets it, the second a row of its own', async () => {
  const key = await insert();
  await file('Opportunity', [named(LOAN, key), named(OTHER, key)]);
  const found = await loans();
  expect(found).toHaveLength(2);
  expect(found.filter(({ id }) => id === key)).toHaveLength(1);
});

test('a row that no message has named yet is found all the same, and what is no key finds nothing', async () => {
  const key = randomUUID();
  await rows(`insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', 'x', '2026-12-31')`, [
    key,
  ]);
  await file('Opportunity', [named(LOAN, key), named(OTHER, "Robert'); drop table")]);
  expect(await loans()).toMatchObject([{ id: key, salesforce_id: LOAN }, { salesforce_id: OTHER }]);
});

test.each([
  ['', { Name: 'Mine' }],
  [', or edited meanwhile', { Name: 'Edited' }],
])('a record whose row was locked when a file brought it is the row%s, when it is read again', async (_, { Name }) => {
  const key = await insert();
  const holder = await lender.database.client();
  await holder.query('begin');
  await holder.query('update loan_applications set title = $1', [Name]);
  await file('Opportunity', [named(LOAN, key)]);
  expect(await loans()).toEqual([{ id: key, salesforce_id: null }]);
  await holder.query('commit');
  const [claim] = await rows('select revision::int from sfsync.link where salesforce_id = $1 and reread_due', [LOAN]);
  const look = { id: LOAN, revision: claim?.revision, version: named(LOAN, key) };
  expect(await decideBatch(outbound(), 'one-0', [look], AT)).toMatchObject({ rejected: 0 });
  expect(await loans()).toEqual([{ id: key, salesforce_id: LOAN }]);
  expect(await rows('select row_key from sfsync.link')).toEqual([{ row_key: key }]);
  expect(await insertions()).toEqual([]);
});

test('a deleted record that names a new row is passed over, and makes earlier looks void', async () => {
  const key = await insert();
  const chosen = await choose();
  await file('Opportunity', [{ ...deletedVersion('Opportunity', LOAN, 2), externalId: key }]);
  expect(await insertions()).toEqual([{ row_key: key, dirty: true, revision: 1 }]);
  const looks = chosen.map((row) => ({ ...row, version: named(LOAN, key) }));
  expect(await decide(looks)).toMatchObject({ inserts: [], rejected: 0 });
  expect(await loans()).toEqual([{ id: key, salesforce_id: null }]);
});

test('a record that belongs to another row is not taken from it', async () => {
  await file('Opportunity', [version('Opportunity', LOAN, 1)]);
  const key = await insert();
  const looks = (await choose()).map((row) => ({ ...row, version: named(LOAN, key) }));
  expect(await decide(looks)).toMatchObject({ reasons: [{ code: 'EXTERNAL_ID_TAKEN', count: 1 }] });
  expect(await rows('select row_key from sfsync.rejected_record')).toEqual([{ row_key: key }]);
  expect(await choose()).toEqual([]);
});

test('children wait for a parent that takes inserts, and are due when it has its id, linked ones too', async () => {
  const [parent] = await rows(`insert into lenders (name) values ('Bank') returning id`);
  const key = await insert(parent.id);
  await file('Opportunity', [version('Opportunity', OTHER, 1)]);
  await rows('update loan_applications set lender_id = $1 where salesforce_id = $2', [parent.id, OTHER]);
  expect(await choose()).toEqual([]);
  expect(await rows('select from sfsync.rejected_record')).toEqual([]);
  await file('Account', [{ ...version('Account', BANK, 1), externalId: parent.id }]);
  expect(await rows('select salesforce_id from lenders')).toEqual([{ salesforce_id: BANK }]);
  expect(await insertions()).toEqual([{ row_key: key, dirty: true, revision: 0 }]);
  expect(await rows('select dirty from sfsync.link where salesforce_id = $1', [OTHER])).toEqual([{ dirty: true }]);
  expect(await choose()).toMatchObject([{ externalId: key }]);
});

test('children whose parent is just getting its id stay due, and no transaction waits for another', async () => {
  const [parent] = await rows(`insert into lenders (name) values ('Bank') returning id`);
  const key = await insert(parent.id);
  const linked = 'select dirty from sfsync.link';
  await file('Opportunity', [version('Opportunity', OTHER, 1)]);
  await rows('update loan_applications set lender_id = $1 where salesforce_id = $2', [parent.id, OTHER]);
  const [{ row_key }] = await rows('select row_key from sfsync.link');
  await receiveKeys({ session, configuration, mapping }, [row_key]);

  const settling = await lender.session();
  const write = async () => {
    await settling.query('update lenders set salesforce_id = $1', [BANK]);
    // What is chosen now would have to wait for this transaction, and this one for it.
    expect(await choose()).toEqual([]);
    expect(await chooseLinks()).toEqual([]);
    expect(await insertions()).toEqual([{ row_key: key, dirty: true, revision: 0 }]);
    expect(await rows(linked)).toEqual([{ dirty: true }]);
    await wakeChildren(settling, configuration, mappingOf(configuration, 'Account'), [parent.id]);
  };
  await inTransaction(settling, write);
  expect(await choose()).toMatchObject([{ externalId: key }]);
  expect(await chooseLinks()).toMatchObject([{ id: OTHER }]);
});

test('children whose parent has no id, and is not getting one, rest', async () => {
  const [parent] = await rows(`insert into lenders (name) values ('Bank') returning id`);
  const key = await insert(parent.id);
  expect(await choose()).toEqual([]);
  expect(await insertions()).toEqual([{ row_key: key, dirty: false, revision: 0 }]);
});

test('a row that is gone, or that the table was emptied of, is forgotten, and listed no more', async () => {
  const key = await insert();
  await rows(
    `insert into sfsync.rejected_record (object, row_key, direction, code, reason)
     values ('Opportunity', $1, 'to-salesforce', 'STRING_TOO_LONG', 'too long')`,
    [key],
  );
  await rows('delete from loan_applications');
  expect(await choose()).toEqual([]);
  expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
  expect(await insertions()).toEqual([]);
});

describe('keys that differ in case or white space only', () => {
  beforeEach(async () => {
    await rows('alter table loan_applications alter id type text using id::text');
  });
  afterEach(async () => {
    await rows('truncate loan_applications; alter table loan_applications alter id type uuid using id::uuid');
  });

  async function insertAs(...keys: string[]) {
    for (const key of keys) {
      await rows(
        `insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', 'Prospecting', '2026-12-31')`,
        [key],
      );
    }
    await receiveKeys({ session, configuration, mapping }, keys);
  }
  test('go one after the other, so that a look at the second shows the record of the first', async () => {
    await insertAs('kq-7Ab', 'kq-7aB');
    const { inserts } = await decide(await choose());
    expect(inserts.map(({ externalId }) => externalId)).toEqual(['kq-7Ab']);
    const [second] = (await choose()).filter(({ externalId }) => externalId === 'kq-7aB');
    if (second === undefined) return expect.unreachable('the second row is due');
    const rejected = { code: 'EXTERNAL_ID_TAKEN', reason: 'taken' };
    const refused = await decide([{ ...second, rejected }] as never);
    expect(refused.inserts).toEqual([]);
    expect(await rows('select row_key, code from sfsync.rejected_record where resolved_at is null')).toEqual([
      { row_key: 'kq-7aB', code: 'EXTERNAL_ID_TAKEN' },
    ]);
    expect((await choose()).map(({ externalId }) => externalId)).not.toContain('kq-7aB');
  });

  test('with white space at their ends are listed, and never sent', async () => {
    await insertAs('trim1', 'trim1 ');
    expect((await choose()).map(({ externalId }) => externalId)).toEqual(['trim1']);
    expect(await rows('select row_key, code from sfsync.rejected_record where resolved_at is null')).toEqual([
      { row_key: 'trim1 ', code: 'EXTERNAL_ID_UNUSABLE' },
    ]);
  });
});
