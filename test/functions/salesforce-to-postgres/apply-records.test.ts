import { beforeEach, describe, expect, test } from 'vitest';
import { version } from '../../support/postgres/lender-database.ts';
import { type Applied, lambdas, useSurroundings } from '../lambdas.ts';

const around = useSurroundings();
const { validateFile, mapRecords, applyRecords, readSalesforce } = lambdas();

beforeEach(async () => {
  await around.lender.rows(
    'truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record, sfsync.conflict',
  );
});

const KEY = 'salesforce/Account/flow/run-1/0';

/** What AppFlow writes of a record. */
function lineOf(id: string, second: number, fields: object) {
  const SystemModstamp = `2026-01-01T12:00:${String(second).padStart(2, '0')}.000+0000`;
  return { Id: id, IsDeleted: false, SystemModstamp, ...version('Account', id, second).fields, ...fields };
}

async function apply(records: readonly object[], putAt = new Date().toISOString()): Promise<Applied> {
  const content = records.map((each) => `${JSON.stringify(each)}\n`).join('');
  const size = await around.lambda.put(KEY, content);
  const { object, ranges } = await validateFile({ bucket: around.lambda.bucket, key: KEY, size });
  const range = ranges[0];
  const { mappedKey } = await mapRecords({
    bucket: around.lambda.bucket,
    key: KEY,
    object,
    range,
    execution: 'execution',
  });
  return applyRecords({ from: 'file', object, mappedKey, source: KEY, putAt, execution: 'execution' });
}

describe('a file', () => {
  const [ONE, TWO] = ['001000000000001AAA', '001000000000002AAA'];

  test('becomes rows; again, it changes nothing', async () => {
    const records = [lineOf(ONE, 1, { Name: 'One', AnnualRevenue: 100.0 }), lineOf(TWO, 1, { Name: 'Two' })];
    expect(await apply(records)).toMatchObject({ object: 'Account', inserted: 2, rejected: 0, due: false, attempt: 0 });
    expect(await around.lender.rows('select name, annual_revenue from lenders order by name')).toEqual([
      { name: 'One', annual_revenue: '100' },
      { name: 'Two', annual_revenue: null },
    ]);
    expect(await apply(records)).toMatchObject({ inserted: 0, updated: 0, unchanged: 2 });
  });

  test('with bad records applies the others; each bad one is listed with its line and reported by code', async () => {
    const applied = await apply([
      lineOf(ONE, 1, { Name: null }),
      { ...lineOf(TWO, 1, {}), AnnualRevenue: 'top secret' },
      lineOf('001000000000003AAA', 1, {}),
    ]);
    expect(applied).toMatchObject({ inserted: 1, rejected: 2 });
    expect(applied.reasons).toEqual(
      expect.arrayContaining([
        { code: '23502', field: 'Name', count: 1, ids: [ONE] },
        { code: 'UNREADABLE_VALUE', field: 'AnnualRevenue', count: 1, ids: [TWO] },
      ]),
    );
    expect(
      await around.lender.rows('select line, salesforce_id, field, source from sfsync.rejected_record order by line'),
    ).toEqual([
      { line: 1, salesforce_id: ONE, field: 'Name', source: KEY },
      { line: 2, salesforce_id: TWO, field: 'AnnualRevenue', source: KEY },
    ]);
  });

  test('says that links are due when a row keeps what Salesforce does not have', async () => {
    await apply([lineOf(ONE, 1, { Phone: 'b', Website: 'b' })]);
    await around.lender.rows(`update lenders set phone = 'p'`);
    expect(await apply([lineOf(ONE, 2, { Phone: 'b', Website: 's' })])).toMatchObject({ updated: 1, due: true });
  });
});

describe('a record of which it is not known whether it is the newest', () => {
  test('is read again from Salesforce and applied in the same execution', async () => {
    const created = await around.org.connection.sobject('Account').create({ Name: 'Now', Phone: 'now' });
    const id = created.id ?? '';
    await apply([lineOf(id, 5, { Name: 'Before' })]);
    const ambiguous = await apply([lineOf(id, 5, { Name: 'Same second' })]);
    expect(ambiguous).toMatchObject({ updated: 0, rereadKey: 'work/execution/reread-1-of-mapped-0.jsonl' });

    const read = await readSalesforce({ object: 'Account', recordsKey: ambiguous.rereadKey, execution: 'execution' });
    expect(read.records).toBe(1);
    const { versionsKey, readAt } = read;
    const applied = await applyRecords({
      from: 'reread',
      object: 'Account',
      versionsKey,
      readAt,
      source: KEY,
      execution: 'execution',
      attempt: 1,
    });
    expect(applied).toMatchObject({ updated: 1, attempt: 1 });
    expect(applied).not.toHaveProperty('rereadKey');
    expect(await around.lender.rows('select name, phone from lenders')).toEqual([{ name: 'Now', phone: 'now' }]);
  });

  test('is read once more when its link has changed since', async () => {
    const created = await around.org.connection.sobject('Account').create({ Name: 'Now' });
    const id = created.id ?? '';
    await apply([lineOf(id, 5, { Name: 'Before' })]);
    const { rereadKey } = await apply([lineOf(id, 5, { Name: 'Same second' })]);
    const { versionsKey, readAt } = await readSalesforce({
      object: 'Account',
      recordsKey: rereadKey,
      execution: 'execution',
    });
    await around.lender.rows('update sfsync.link set revision = revision + 1');
    const again = await applyRecords({
      from: 'reread',
      object: 'Account',
      versionsKey,
      readAt,
      source: KEY,
      execution: 'execution',
      attempt: 1,
    });
    expect(again.rereadKey).toMatch(/^work\/execution\/reread-2-of-/);
    expect(await around.lender.rows('select name from lenders')).toEqual([{ name: 'Before' }]);
  });

  test('because its file may be older than the last fresh read', async () => {
    const id = '001000000000001AAA';
    await apply([lineOf(id, 1, { Name: 'Before' })]);
    await around.lender.rows(`update sfsync.link set applied_at = now()`);
    expect(await apply([lineOf(id, 9, { Name: 'Newer' })])).toHaveProperty('rereadKey');
    // A file put long after that read was certainly read after it.
    const later = new Date(Date.now() + 24 * 3_600_000).toISOString();
    await around.lender.rows('update sfsync.link set reread_due = false');
    expect(await apply([lineOf(id, 9, { Name: 'Newer' })], later)).toMatchObject({ updated: 1 });
  });

  test('and which Salesforce does not show is listed', async () => {
    const id = '001Ws00000zzzzzIAA';
    await apply([lineOf(id, 5, { Name: 'Before' })]);
    const { rereadKey } = await apply([lineOf(id, 5, { Name: 'Same second' })]);
    const { versionsKey, readAt } = await readSalesforce({
      object: 'Account',
      recordsKey: rereadKey,
      execution: 'execution',
    });
    const event = { from: 'reread', object: 'Account', versionsKey, readAt, source: KEY, execution: 'execution' };
    expect(await applyRecords({ ...event, attempt: 1 })).toMatchObject({
      rejected: 1,
      reasons: [{ code: 'NOT_VISIBLE' }],
    });
    expect(await around.lender.rows('select name from lenders')).toEqual([{ name: 'Before' }]);
  });
});
