import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyRereads, applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const MATCH: Readonly<Record<string, string>> = { Account: 'AnnualRevenue', Contact: 'Email' };
const configuration: SyncConfiguration = {
  ...sample,
  objects: sample.objects.map((mapping) => ({
    ...mapping,
    matchBy: mapping.fields.find(({ field }) => field === MATCH[mapping.object]),
  })),
};
const [ONE, TWO, THREE] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(
    'truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record, sfsync.conflict, sfsync.lease',
  );
});

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}

const contact = (id: string, email: string | null, more: FieldValues = {}) =>
  version('Contact', id, 1, { Email: email, ...more });

async function borrower(email: string | null, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const values = { last_name: 'Meyer', email, ...more };
  const columns = Object.keys(values);
  const [row] = await rows(
    `insert into borrowers (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
    Object.values(values),
  );
  return row?.id ?? '';
}

const carriers = () => rows('select id, salesforce_id from borrowers order by salesforce_id nulls last, id');
const REJECTS =
  'select salesforce_id, code, field, line, reason from sfsync.rejected_record where resolved_at is null order by line';

describe('a record that is new to us', () => {
  test('is no match for a row whose value changes while the application holds it', async () => {
    await borrower('a@x.example');
    const application = await lender.database.client();
    await application.query(`begin; update borrowers set email = 'b@x.example'`);
    expect(await apply('Contact', contact(ONE, 'a@x.example'))).toMatchObject({ inserted: 0, updated: 0, rejected: 0 });
    await application.query('commit');
    const [link] = await rows('select revision::int, reread_due from sfsync.link where salesforce_id = $1', [ONE]);
    expect(link).toMatchObject({ reread_due: true });
    const read = { id: ONE, revision: link.revision, version: contact(ONE, 'a@x.example') };
    const context = contextOf(session, configuration, 'Contact');
    expect(await applyRereads(context, 'file', [read], Date.UTC(2030, 0, 1))).toMatchObject({ inserted: 1 });
    expect(await rows('select email, salesforce_id from borrowers order by email')).toEqual([
      { email: 'a@x.example', salesforce_id: ONE },
      { email: 'b@x.example', salesforce_id: null },
    ]);
  });

  test('belongs to a row that the application held meanwhile, when it is read again', async () => {
    const key = await borrower('a@x.example');
    const application = await lender.database.client();
    await application.query(`begin; update borrowers set phone = 'mine'`);
    await apply('Contact', contact(ONE, 'a@x.example'));
    await application.query('commit');
    const [link] = await rows('select revision::int, reread_due from sfsync.link where salesforce_id = $1', [ONE]);
    expect(link).toMatchObject({ reread_due: true });
    const execution = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
    await takeLease(session, 'Contact', execution, async () => true);
    const look = { id: ONE, revision: link.revision, version: contact(ONE, 'a@x.example') };
    const context = contextOf(session, configuration, 'Contact', execution);
    expect(await decideBatch(context, 'one-0', [look], { readAt: 0, now: 0 })).toMatchObject({ rejected: 0 });
    expect(await carriers()).toEqual([{ id: key, salesforce_id: ONE }]);
  });

  test('that could belong to several rows is listed when it is read again, too', async () => {
    await borrower('a@x.example');
    const application = await lender.database.client();
    await application.query(`begin; update borrowers set phone = 'mine'`);
    await apply('Contact', contact(ONE, 'a@x.example'));
    await application.query('commit');
    await borrower('a@x.example');
    const [link] = await rows('select revision::int from sfsync.link where salesforce_id = $1', [ONE]);
    const execution = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
    await takeLease(session, 'Contact', execution, async () => true);
    const look = { id: ONE, revision: link?.revision, version: contact(ONE, 'a@x.example') };
    const context = contextOf(session, configuration, 'Contact', execution);
    await decideBatch(context, 'one-0', [look], { readAt: 0, now: 0 });
    expect(await carriers()).toMatchObject([{ salesforce_id: null }, { salesforce_id: null }]);
    expect(await rows(REJECTS)).toMatchObject([{ salesforce_id: ONE, code: 'AMBIGUOUS_MATCH', field: 'Email' }]);
  });

  test('belongs to the one row that has its value: they are linked, and merged by policy', async () => {
    const key = await borrower(' a@x.example\t', { phone: 'of the row', password_digest: 'kept' });
    const applied = await apply('Contact', contact(ONE, 'a@x.example', { Phone: 'of Salesforce' }));
    expect(applied).toMatchObject({ inserted: 0, updated: 1, rejected: 0, conflicts: 0 });
    expect(await rows('select id, salesforce_id, phone, password_digest from borrowers')).toEqual([
      { id: key, salesforce_id: ONE, phone: 'of Salesforce', password_digest: 'kept' },
    ]);
    expect(await rows('select salesforce_id, row_key from sfsync.link')).toEqual([
      { salesforce_id: ONE, row_key: key },
    ]);
    expect(await apply('Contact', contact(ONE, 'a@x.example', { Phone: 'of Salesforce' }))).toMatchObject({
      unchanged: 1,
    });
  });

  test('is inserted where no row has its value, where it has none, or where the row belongs to another record', async () => {
    await borrower(null);
    await borrower('A@X.example');
    await borrower('taken@x.example', { salesforce_id: THREE });
    expect(await apply('Contact', contact(ONE, 'a@x.example'), contact(TWO, null))).toMatchObject({ inserted: 2 });
    const four = '003000000000004AAA';
    expect(await apply('Contact', contact(four, 'taken@x.example'))).toMatchObject({ inserted: 1, rejected: 0 });
    expect(await carriers()).toHaveLength(6);
  });

  test('that two rows could be is rejected and says what to do; the next version finds the row that was chosen', async () => {
    const [chosen] = [await borrower('a@x.example'), await borrower('a@x.example')];
    const applied = await apply('Contact', contact(ONE, 'a@x.example'), contact(TWO, 'b@x.example'));
    expect(applied).toMatchObject({
      inserted: 1,
      rejected: 1,
      reasons: [{ code: 'AMBIGUOUS_MATCH', field: 'Email', count: 1 }],
    });
    const [reject] = await rows(REJECTS);
    expect(reject).toMatchObject({ salesforce_id: ONE, code: 'AMBIGUOUS_MATCH', field: 'Email', line: 1 });
    expect(reject?.reason).toMatch(/2 row\(s\) of public\.borrowers .* write its id into the right row/);
    expect(reject?.reason).not.toContain('@');
    expect(await rows('select salesforce_id from sfsync.link')).toEqual([{ salesforce_id: TWO }]);

    await rows('update borrowers set salesforce_id = $1 where id = $2', [ONE, chosen]);
    expect(await apply('Contact', version('Contact', ONE, 2, { Email: 'a@x.example' }))).toMatchObject({ rejected: 0 });
    expect(await rows(REJECTS)).toEqual([]);
    expect(await rows('select row_key from sfsync.link where salesforce_id = $1', [ONE])).toEqual([
      { row_key: chosen },
    ]);
  });

  test('is rejected with another one that claims the same row, also while a third is refused by the table', async () => {
    const key = await borrower('a@x.example');
    const bad = contact(THREE, 'c@x.example', { LastName: null });
    expect(await apply('Contact', contact(ONE, 'a@x.example'), contact(TWO, 'a@x.example'), bad)).toMatchObject({
      inserted: 0,
      rejected: 3,
    });
    expect((await rows(REJECTS)).map(({ code }) => code)).toEqual(['AMBIGUOUS_MATCH', 'AMBIGUOUS_MATCH', '23502']);
    expect(await carriers()).toEqual([{ id: key, salesforce_id: null }]);
  });

  test('is matched by a number as by value, and by a fresh read as from a file', async () => {
    const account = '001000000000001AAA';
    await rows(`insert into lenders (name, annual_revenue) values ('Acme', 100.50)`);
    const incomplete = version('Account', account, 1, { AnnualRevenue: '100.5' });
    const { Phone: _, ...fields } = incomplete.fields;
    const { toRead } = await apply('Account', { ...incomplete, fields });
    expect(toRead).toMatchObject([{ id: account }]);
    const lines = toRead.map((each) => ({ ...each, version: incomplete }));
    expect(await applyRereads(contextOf(session, configuration, 'Account'), 'file', lines, Date.now())).toMatchObject({
      inserted: 0,
      updated: 1,
    });
    expect(await rows('select salesforce_id, name from lenders')).toEqual([
      { salesforce_id: account, name: 'Northwind Lending' },
    ]);
  });

  test('and deleted says nothing about a row', async () => {
    const key = await borrower('a@x.example');
    expect(await apply('Contact', deletedVersion('Contact', ONE, 1, { Email: 'a@x.example' }))).toMatchObject({
      rejected: 0,
    });
    expect(await carriers()).toEqual([{ id: key, salesforce_id: null }]);
  });

  test('whose row may not have the id is rejected alone', async () => {
    await rows(`alter table borrowers add constraint no_b check (email <> 'b@x.example' or salesforce_id is null)`);
    await borrower('a@x.example');
    await borrower('b@x.example');
    const applied = await apply('Contact', contact(ONE, 'a@x.example'), contact(TWO, 'b@x.example'));
    await rows('alter table borrowers drop constraint no_b');
    expect(applied).toMatchObject({ unchanged: 1, rejected: 1, reasons: [{ code: '23514' }] });
    expect((await carriers()).length).toBe(2);
  });
});

describe('the row that a new record has the value of is a new row itself', () => {
  const takesInserts: SyncConfiguration = {
    ...configuration,
    objects: configuration.objects.map((mapping) => ({ ...mapping, externalIdField: 'Portal_Key__c' })),
  };
  const arrive = (second: number) => {
    const lines = [{ line: 1, version: version('Contact', ONE, second, { Email: 'a@x.example' }) }];
    return applyVersions(contextOf(session, takesInserts, 'Contact'), 'file', lines, Date.UTC(2030, 0, 1));
  };
  const insertions = () => rows('select row_key, push_id from sfsync.insertion');
  const REFUSED = `insert into sfsync.rejected_record (object, direction, row_key, code, reason, source, execution)
                   values ('Contact', 'to-salesforce', $1, 'X', 'x', 'row', 'e')`;

  test('and nothing of it is sent: the two are one pair, and the row is no new one any more', async () => {
    const key = await borrower('a@x.example');
    await rows(`insert into sfsync.insertion (object, row_key) values ('Contact', $1), ('Account', $1)`, [key]);
    await rows(REFUSED, [key]);
    expect(await arrive(1)).toMatchObject({ inserted: 0, rejected: 0 });
    expect(await carriers()).toEqual([{ id: key, salesforce_id: ONE }]);
    expect(await rows('select object from sfsync.insertion')).toEqual([{ object: 'Account' }]);
    expect(await rows(REJECTS)).toEqual([]);
    await rows('truncate sfsync.insertion');
  });

  test('and on its way: the record waits until that is settled, and no second row is made', async () => {
    const key = await borrower('a@x.example');
    await rows(
      `insert into sfsync.insertion (object, row_key, dirty, push_id, sent_at, sent) values ('Contact', $1, false, 'p', now(), '{}')`,
      [key],
    );
    expect(await arrive(1)).toMatchObject({ inserted: 0, rejected: 1, reasons: [{ code: 'ROW_BEING_SENT' }] });
    expect(await carriers()).toEqual([{ id: key, salesforce_id: null }]);
    expect(await insertions()).toEqual([{ row_key: key, push_id: 'p' }]);

    // Salesforce has refused it.
    await rows('update sfsync.insertion set push_id = null, sent_at = null, sent = null');
    expect(await arrive(2)).toMatchObject({ inserted: 0, rejected: 0 });
    expect(await carriers()).toEqual([{ id: key, salesforce_id: ONE }]);
    expect(await insertions()).toEqual([]);
    expect(await rows(REJECTS)).toEqual([]);
  });
});

test('two executions with records that could be the same row: one gets it, the other becomes a row', async () => {
  const emails = Array.from({ length: 40 }, (_, i) => `${i}@x.example`);
  for (const email of emails) await borrower(email);
  const of = (digit: number) =>
    emails.map((email, i) => ({
      line: i + 1,
      version: contact(`00300000000${digit}${String(i).padStart(3, '0')}AAA`, email),
    }));
  const other = await lender.session();
  const results = await Promise.all([
    applyVersions(contextOf(session, configuration, 'Contact'), 'file', of(1), Date.UTC(2030, 0, 1)),
    applyVersions(contextOf(other, configuration, 'Contact'), 'file', of(2), Date.UTC(2030, 0, 1)),
  ]);
  expect(results.map(({ rejected }) => rejected)).toEqual([0, 0]);
  expect(await rows('select count(*)::int as rows, count(distinct salesforce_id)::int as ids from borrowers')).toEqual([
    { rows: 80, ids: 80 },
  ]);
});
