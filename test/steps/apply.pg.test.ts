import { beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyRereads, applyVersions } from '../../steps/apply.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const CONTACT = '003000000000001AAA';
const LONG_AFTER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
});

const SOURCE = 'salesforce/a/b/c/d';

function context(object: string) {
  return contextOf(session, configuration, object);
}

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(context(object), SOURCE, lines, LONG_AFTER);
}

describe('records of a file', () => {
  test('are inserted with their Salesforce id, and applying them again changes nothing', async () => {
    const fields = { Name: 'Acme', AnnualRevenue: '1200000.5', Phone: '+49 30 1' };
    expect(await apply('Account', version('Account', ACCOUNT, 1, fields))).toMatchObject({ inserted: 1, due: false });
    const before = await rows('select * from lenders');
    expect(before).toMatchObject([
      { salesforce_id: ACCOUNT, name: 'Acme', annual_revenue: '1200000.5', phone: '+49 30 1' },
    ]);
    expect(await apply('Account', version('Account', ACCOUNT, 1, fields))).toMatchObject({ inserted: 0, unchanged: 1 });
    expect(await rows('select * from lenders')).toEqual(before);
  });

  test('write only the columns that changed', async () => {
    await apply('Account', version('Account', ACCOUNT, 1));
    await rows(`update lenders set internal_notes = 'ours', description = null`);
    expect(await apply('Account', version('Account', ACCOUNT, 2, { Phone: '2' }))).toMatchObject({ updated: 1 });
    expect(await rows('select phone, internal_notes from lenders')).toEqual([{ phone: '2', internal_notes: 'ours' }]);
  });

  test('every type arrives as the column stores it', async () => {
    const id = '006000000000001AAA';
    await apply(
      'Opportunity',
      version('Opportunity', id, 1, {
        Amount: '12345678901234567.25',
        CloseDate: '2026-02-28',
        Approved_At__c: '2026-01-31T10:11:12Z',
        Purposes__c: 'Car;House',
        Probability: '10',
      }),
    );
    expect(
      await rows(`select amount, closes_on::text, (approved_at at time zone 'utc')::text as approved, purposes, probability
                    from loan_applications`),
    ).toEqual([
      {
        amount: '12345678901234567.25',
        closes_on: '2026-02-28',
        approved: '2026-01-31 10:11:12',
        purposes: ['Car', 'House'],
        probability: '10',
      },
    ]);
  });

  test('an older record than what was merged has to be read again, and says nothing of itself', async () => {
    await apply('Account', version('Account', ACCOUNT, 5, { Phone: 'new' }));
    const late = await apply('Account', version('Account', ACCOUNT, 3, { Phone: 'old' }));
    expect(late.toRead).toEqual([{ id: ACCOUNT, revision: 2 }]);
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'new' }]);
    const read = { id: ACCOUNT, revision: 2, version: version('Account', ACCOUNT, 5, { Phone: 'newest' }) };
    const readAt = Date.UTC(2026, 0, 2);
    expect(await applyRereads(context('Account'), SOURCE, [read], readAt)).toMatchObject({ updated: 1, toRead: [] });
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'newest' }]);
  });

  test('a conflict keeps both values, and Salesforce wins', async () => {
    await apply('Account', version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
    await rows(`update lenders set phone = 'row', website = 'row'`);
    const result = await apply('Account', version('Account', ACCOUNT, 2, { Phone: 'org', Website: 'base' }));
    const reasons = [{ code: 'CONFLICT_SALESFORCE_STANDS', field: 'Phone', count: 1, ids: [ACCOUNT] }];
    expect(result).toMatchObject({ conflicts: 1, reasons, due: true });
    expect(await rows('select phone, website from lenders')).toEqual([{ phone: 'org', website: 'row' }]);
    expect(await rows('select field, base, salesforce_value, postgres_value, winner from sfsync.conflict')).toEqual([
      { field: 'Phone', base: 'base', salesforce_value: 'org', postgres_value: 'row', winner: 'salesforce' },
    ]);
  });

  test('of many, one that the database refuses is rejected alone, and is closed when a newer version fits', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => `001000000000${String(i).padStart(3, '0')}AAA`);
    const versions = ids.map((id, i) => version('Account', id, 1, { Name: i === 77 ? null : `Lender ${i}` }));
    const result = await apply('Account', ...versions);
    expect(result).toMatchObject({ inserted: 199, rejected: 1, reasons: [{ code: '23502', field: 'Name', count: 1 }] });
    expect(await rows('select salesforce_id, field, line, code from sfsync.rejected_record')).toEqual([
      { salesforce_id: ids[77], field: 'Name', line: 78, code: '23502' },
    ]);
    await apply('Account', version('Account', ids[77] as string, 2));
    expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
    expect(await rows('select count(*)::int as n from lenders')).toEqual([{ n: 200 }]);
  });
});

describe('parents and children', () => {
  test('a child that comes before its parent waits, and is joined when the parent lands', async () => {
    await apply('Contact', version('Contact', CONTACT, 1, { AccountId: ACCOUNT }));
    expect(await rows('select lender_id from borrowers')).toEqual([{ lender_id: null }]);
    const parent = await apply('Account', version('Account', ACCOUNT, 1));
    expect(parent.due).toBe(false);
    expect(await rows('select l.salesforce_id from borrowers b join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: ACCOUNT },
    ]);
    expect(await rows('select waiting, dirty from sfsync.link where object = $1', ['Contact'])).toEqual([
      { waiting: {}, dirty: false },
    ]);
  });

  test('a child that waits goes on waiting when its file comes again, or an older one', async () => {
    const child = version('Contact', CONTACT, 2, { AccountId: ACCOUNT });
    await apply('Contact', child);
    const before = await rows('select xmin::text as version, * from borrowers');
    expect(await apply('Contact', child)).toMatchObject({ unchanged: 1, updated: 0, due: false });
    await apply('Contact', version('Contact', CONTACT, 1, { AccountId: ACCOUNT, LastName: 'Before' }));
    expect(await rows('select xmin::text as version, * from borrowers')).toEqual(before);
    await apply('Account', version('Account', ACCOUNT, 1));
    expect(await rows('select l.salesforce_id from borrowers b join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: ACCOUNT },
    ]);
  });

  test('a parent deleted before its children leaves them waiting; an undelete of all brings back every column', async () => {
    await apply('Account', version('Account', ACCOUNT, 1));
    await apply('Contact', version('Contact', CONTACT, 1, { AccountId: ACCOUNT }));
    await rows(`update borrowers set password_digest = 'secret'`);
    const before = await rows('select id, lender_id, password_digest, created_at from borrowers');

    expect(await apply('Account', deletedVersion('Account', ACCOUNT, 2))).toMatchObject({
      deleted: 1,
      rejected: 0,
      due: false,
    });
    expect(await apply('Contact', deletedVersion('Contact', CONTACT, 2, { AccountId: ACCOUNT }))).toMatchObject({
      deleted: 1,
      due: false,
    });
    expect(await rows('select from borrowers union all select from lenders')).toEqual([]);

    await apply('Contact', version('Contact', CONTACT, 3, { AccountId: ACCOUNT }));
    await apply('Account', version('Account', ACCOUNT, 3));
    expect(await rows('select id, lender_id, password_digest, created_at from borrowers')).toEqual(before);
    expect(await rows('select from sfsync.tombstone')).toEqual([]);
  });
});

test('a row edited by the application survives a delete in Salesforce and is due to be revived', async () => {
  await apply('Account', version('Account', ACCOUNT, 1));
  await rows(`update lenders set phone = 'edited'`);
  expect(await apply('Account', deletedVersion('Account', ACCOUNT, 2))).toMatchObject({
    deleted: 0,
    conflicts: 1,
    due: true,
  });
  expect(await rows('select phone from lenders')).toEqual([{ phone: 'edited' }]);
});

test('two executions that work on the same new records at once make one row for each', async () => {
  const other = await lender.session();
  const lines = Array.from({ length: 300 }, (_, i) => {
    const id = `001000000000${String(i).padStart(3, '0')}AAA`;
    return { line: i + 1, version: version('Account', id, 1, { Name: `Lender ${i}` }) };
  });
  const results = await Promise.all([
    applyVersions(context('Account'), SOURCE, lines, LONG_AFTER),
    applyVersions(contextOf(other, configuration, 'Account'), SOURCE, lines.toReversed(), LONG_AFTER),
  ]);
  expect(results.map(({ inserted }) => inserted).sort()).toEqual([0, 300]);
  expect(await rows('select count(*)::int as n from lenders')).toEqual([{ n: 300 }]);
});
