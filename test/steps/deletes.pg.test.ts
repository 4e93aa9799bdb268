import { beforeEach, describe, expect, test } from 'vitest';
import { defineSync, reference, type SyncDefinition, text } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const SURVIVOR = '001000000000002AAA';
const CONTACT = '003000000000001AAA';
const LONG_AFTER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows('alter table lenders add column deleted_at timestamptz');
});

/** Accounts as the options say, with their contacts. */
function setUp(
  options: Partial<SyncDefinition['objects'][string]> = {},
  policy: 'salesforce' | 'latest' = 'salesforce',
) {
  const fields = { Name: text('name'), Phone: text('phone', { policy }) };
  const configuration = defineSync({
    objects: {
      Account: { table: 'lenders', updatedAt: 'updated_at', ...options, fields },
      Contact: {
        table: 'borrowers',
        fields: { LastName: text('last_name'), AccountId: reference('lender_id', 'Account') },
      },
    },
  });
  return (object: string, each: SalesforceVersion) => {
    return applyVersions(contextOf(session, configuration, object), 'f', [{ line: 1, version: each }], LONG_AFTER);
  };
}

function account(id: string, second: number, more: Partial<SalesforceVersion> = {}): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1' }, ...more };
}

function contact(second: number, parent: string): SalesforceVersion {
  return account(CONTACT, second, { fields: { LastName: 'Meyer', AccountId: parent } });
}

describe('a record that is deleted when it first arrives', () => {
  test('makes no row, nor does an older file that still shows it: it is read again', async () => {
    const apply = setUp();
    expect(await apply('Account', account(ACCOUNT, 2, { deleted: true }))).toMatchObject({ deleted: 0, toRead: [] });
    expect(await apply('Account', account(ACCOUNT, 1))).toMatchObject({ inserted: 0, toRead: [{ id: ACCOUNT }] });
    expect(await rows('select from lenders')).toEqual([]);
    expect(await apply('Account', account(ACCOUNT, 3))).toMatchObject({ inserted: 1, toRead: [] });
  });

  test('says nothing about a row that carries its id', async () => {
    const apply = setUp();
    await rows(`insert into lenders (name, salesforce_id) values ('Acme', '${ACCOUNT}')`);
    expect(await apply('Account', account(ACCOUNT, 2, { deleted: true }))).toMatchObject({ deleted: 0, due: false });
    expect(await rows('select salesforce_id from lenders')).toEqual([{ salesforce_id: ACCOUNT }]);
    expect(await rows('select from sfsync.link')).toEqual([]);
  });
});

describe("deleteRow: 'soft'", () => {
  test('marks the row, and an undelete takes the mark away again', async () => {
    const apply = setUp({ deleteRow: 'soft', deletedAt: 'deleted_at' });
    await apply('Account', account(ACCOUNT, 1));
    await rows(`update lenders set internal_notes = 'ours'`);
    expect(await apply('Account', account(ACCOUNT, 2, { deleted: true }))).toMatchObject({ deleted: 1, due: false });
    expect(await rows('select deleted_at is not null as marked, internal_notes from lenders')).toEqual([
      { marked: true, internal_notes: 'ours' },
    ]);
    const back = account(ACCOUNT, 3, { fields: { Name: 'Acme', Phone: '2' } });
    expect(await apply('Account', back)).toMatchObject({ rejected: 0, due: false });
    expect(await rows('select deleted_at, phone, internal_notes from lenders')).toEqual([
      { deleted_at: null, phone: '2', internal_notes: 'ours' },
    ]);
  });
});

describe("deleteRow: 'ignore'", () => {
  test('leaves the row, and nothing is due for it while the record is deleted', async () => {
    const apply = setUp({ deleteRow: 'ignore' });
    await apply('Account', account(ACCOUNT, 1));
    expect(await apply('Account', account(ACCOUNT, 2, { deleted: true }))).toMatchObject({
      deleted: 0,
      conflicts: 0,
      due: false,
    });
    expect(await rows('select name from lenders')).toEqual([{ name: 'Acme' }]);
  });
});

describe('a merge of two records in Salesforce', () => {
  test('moves the children to the survivor, and has them read again', async () => {
    const apply = setUp();
    await apply('Account', account(ACCOUNT, 1));
    await apply('Account', account(SURVIVOR, 1));
    await apply('Contact', contact(1, ACCOUNT));
    expect(await apply('Account', account(ACCOUNT, 2, { deleted: true, mergedInto: SURVIVOR }))).toMatchObject({
      deleted: 1,
    });
    expect(await rows('select l.salesforce_id from borrowers b join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: SURVIVOR },
    ]);
    expect(await rows(`select reread_due, dirty from sfsync.link where object = 'Contact'`)).toEqual([
      { reread_due: true, dirty: false },
    ]);
    await apply('Contact', contact(3, SURVIVOR));
    expect(
      await rows(`select dirty, base ->> 'AccountId' as parent from sfsync.link where object = 'Contact'`),
    ).toEqual([{ dirty: false, parent: SURVIVOR }]);
  });
});

describe('policy latest', () => {
  test.each([
    ['2026-01-01T12:00:09Z', 'row'],
    ['2026-01-01T12:00:01Z', 'org'],
  ])('a row edited at %s against a record stamped 12:00:05 leaves the phone of the %s', async (editedAt, winner) => {
    const apply = setUp({}, 'latest');
    await apply('Account', account(ACCOUNT, 1));
    await rows(`alter table lenders disable trigger all; update lenders set phone = 'row', updated_at = '${editedAt}'`);
    await apply('Account', account(ACCOUNT, 5, { fields: { Name: 'Acme', Phone: 'org' } }));
    expect(await rows('select phone from lenders')).toEqual([{ phone: winner }]);
    expect(await rows('select winner from sfsync.conflict')).toEqual([
      { winner: winner === 'row' ? 'postgres' : 'salesforce' },
    ]);
  });
});
