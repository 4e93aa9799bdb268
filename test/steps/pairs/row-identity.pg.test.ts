/** The application changes keys of rows, or moves Salesforce ids from row to row: content must not change its record. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const mapping = mappingOf(configuration, 'Opportunity');
const A = '006000000000001AAA';
const B = '006000000000002AAA';
const [KEY_A, KEY_B, OTHER_KEY] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`);
const looks = new Map([A, B].map((id) => [id, version('Opportunity', id, 1, { Name: `of ${id}` })]));

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

/** Two linked pairs that agree. */
beforeEach(async () => {
  await rows(`truncate loan_applications, sfsync.link, sfsync.lease, sfsync.conflict, sfsync.rejected_record,
              sfsync.tombstone, sfsync.insertion`);
  await takeLease(session, 'Opportunity', EXECUTION, async () => true);
  await rows(
    `insert into loan_applications (id, salesforce_id, title, stage, closes_on)
     select * from (values ($1::uuid, $2, 'x', 'x', date '2031-01-01'), ($3::uuid, $4, 'x', 'x', date '2031-01-01')) as x`,
    [KEY_A, A, KEY_B, B],
  );
  await file(...looks.values());
  expect(await pairs()).toEqual({ [A]: KEY_A, [B]: KEY_B });
});

function file(...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, 'Opportunity'), 'f', lines, LONG_AFTER);
}

const mark = (...keys: (string | undefined)[]) =>
  receiveKeys(
    { session, configuration, mapping },
    keys.flatMap((key) => key ?? []),
  );

/** Collect, look and decide: what would be sent, by record. */
async function send(): Promise<Record<string, unknown>> {
  const context = contextOf(session, configuration, 'Opportunity', EXECUTION);
  const batch = await chosenRecords(context, { flowFenced: true });
  const read = batch.map((record) => ({ ...record, version: looks.get(record.id) }));
  const round = { readAt: LONG_AFTER, now: LONG_AFTER };
  const { pushes } = await decideBatch(context, 'one-0', read, round);
  return Object.fromEntries(pushes.map(({ id, push }) => [id, push.outgoing]));
}

const pairs = async () =>
  Object.fromEntries(
    (await rows('select salesforce_id, row_key from sfsync.link where row_key is not null')).map((link) => [
      link.salesforce_id,
      link.row_key,
    ]),
  );
/** By the id that the row carries. */
const titles = async () =>
  Object.fromEntries(
    (await rows('select salesforce_id, title from loan_applications')).map((row) => [row.salesforce_id, row.title]),
  );

const SWAP = `begin; update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}';
  update loan_applications set id = '${KEY_A}', title = 'new of B' where id = '${KEY_B}';
  update loan_applications set id = '${KEY_B}', title = 'new of A' where id = '${OTHER_KEY}'; commit`;
const SWAPPED = { [A]: KEY_B, [B]: KEY_A };
const NEWER = {
  [A]: { kind: 'update', fields: { Name: 'new of A' } },
  [B]: { kind: 'update', fields: { Name: 'new of B' } },
};

describe('rows that have exchanged their keys', () => {
  test('remain the rows of their records', async () => {
    await rows(SWAP);
    await mark(KEY_A, KEY_B, OTHER_KEY);
    expect(await pairs()).toEqual(SWAPPED);
    expect(await send()).toEqual(NEWER);
  });

  test('also when their keys arrive one after the other', async () => {
    await rows(SWAP);
    await mark(KEY_A);
    expect(await send()).toEqual(NEWER);
    expect(await pairs()).toEqual(SWAPPED);
  });

  test('also when a file of one of them comes first', async () => {
    await rows(SWAP);
    await file(version('Opportunity', A, 5, { Name: `of ${A}`, Amount: '5' }));
    expect(await rows('select title, amount from loan_applications where salesforce_id = $1', [A])).toEqual([
      { title: 'new of A', amount: '5' },
    ]);
    await mark(KEY_A, KEY_B, OTHER_KEY);
    expect(await pairs()).toEqual(SWAPPED);
  });
});

test('a new row under the key that another row has given up in the same transaction is a new row', async () => {
  await rows(`begin; update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}';
    insert into loan_applications (id, title, stage, closes_on) values ('${KEY_A}', 'new', 'x', '2031-01-01'); commit`);
  expect(await mark(KEY_A, OTHER_KEY)).toMatchObject({ inserts: 1 });
  expect(await pairs()).toEqual({ [A]: OTHER_KEY, [B]: KEY_B });
  expect(await rows('select row_key from sfsync.insertion')).toEqual([{ row_key: KEY_A }]);
  expect(await send()).toEqual({});
});

describe('a row that is given the id of another record', () => {
  test('becomes the row of that one; the record that it was the row of is not deleted, and gets a row', async () => {
    await rows('delete from loan_applications where salesforce_id = $1', [B]);
    await rows(`update loan_applications set salesforce_id = $1, title = 'mine' where salesforce_id = $2`, [B, A]);
    await mark(KEY_A, KEY_B);
    expect(await send()).toEqual({ [B]: { kind: 'update', fields: { Name: 'mine' } } });
    expect(await titles()).toEqual({ [A]: `of ${A}`, [B]: 'mine' });
    expect(await pairs()).toMatchObject({ [B]: KEY_A });
  });

  test('and one in which there stands what is no record stays the row that it was', async () => {
    await rows(`update loan_applications set salesforce_id = '', title = 'mine' where salesforce_id = $1`, [A]);
    await mark(KEY_A);
    expect(await send()).toEqual({ [A]: { kind: 'update', fields: { Name: 'mine' } } });
    expect(await pairs()).toEqual({ [A]: KEY_A, [B]: KEY_B });
  });
});

describe('a row that is given what is no Salesforce id', () => {
  const listed = () => rows('select row_key, code, reason from sfsync.rejected_record where resolved_at is null');

  test.each(['', 'unknown', '006000000000003', 'xxxxxxxxxxxxxxxxxx'])(
    '%j is listed and stops no other row',
    async (id) => {
      await rows(
        `insert into loan_applications (id, salesforce_id, title, stage, closes_on) values ($1, $2, 'x', 'x', '2031-01-01')`,
        [OTHER_KEY, id],
      );
      await rows(`update loan_applications set title = 'new of A' where salesforce_id = $1`, [A]);
      await mark(KEY_A, OTHER_KEY);
      expect(await send()).toEqual({ [A]: NEWER[A] });
      expect(await listed()).toMatchObject([{ row_key: OTHER_KEY, code: 'NO_SALESFORCE_ID' }]);

      await rows('update loan_applications set salesforce_id = null where id = $1', [OTHER_KEY]);
      expect(await mark(OTHER_KEY)).toMatchObject({ inserts: 1 });
      expect(await listed()).toEqual([]);
    },
  );
});
