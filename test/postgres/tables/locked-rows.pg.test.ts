/** What is read of rows that another transaction has changed while we waited for their locks. */
import { beforeEach, expect, test } from 'vitest';
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { lockRows } from '../../../postgres/tables/rows.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const [OLD, NEW] = ['001000000000001AAA', '001000000000002AAA'] as const;
const CHILD = '003000000000001AAA';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows('truncate lenders, borrowers, loan_applications');
  await rows(`insert into lenders (name, salesforce_id) values ('Old', $1), ('New', $2)`, [OLD, NEW]);
  await rows(
    `insert into borrowers (last_name, salesforce_id, lender_id) select 'Meyer', $1, id from lenders where name = 'Old'`,
    [CHILD],
  );
});

/** Reads the child's row while the application, which has locked it, does something and commits. */
async function readDuring(sql: string, of: SyncConfiguration = configuration) {
  const application = await lender.database.client();
  await application.query(`begin; ${sql}`);
  const mapping = mappingOf(of, 'Contact');
  const reading = inTransaction(session, async () => {
    const [row] = await lockRows(session, of, mapping, { salesforceIds: [CHILD] });
    return row && { parent: row.fields.AccountId, outside: row.outside };
  });
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await rows(waiting)).length).toBe(1);
  await application.query('commit');
  return reading;
}

test('a row that was pointed to another parent is read with that one', async () => {
  const read = await readDuring(`update borrowers set lender_id = (select id from lenders where name = 'New')`);
  expect(read).toMatchObject({ parent: NEW });
});

test('also to one that was inserted in the same transaction', async () => {
  const id = '001000000000003AAA';
  const read = await readDuring(
    `with made as (insert into lenders (name, salesforce_id) values ('Third', '${id}') returning id)
     update borrowers set lender_id = made.id from made`,
  );
  expect(read).toMatchObject({ parent: id });
});

test('or that got its Salesforce id in it', async () => {
  const read = await readDuring(
    `update lenders set salesforce_id = '001000000000003AAA' where name = 'Old'; update borrowers set last_name = 'Other'`,
  );
  expect(read).toMatchObject({ parent: '001000000000003AAA' });
});

test('a lookup that was cleared is null, and one to a parent without an id names its row', async () => {
  expect(await readDuring('update borrowers set lender_id = null')).toMatchObject({ parent: null });
  const [made] = await rows(`insert into lenders (name) values ('Without') returning id`);
  const read = await readDuring(`update borrowers set lender_id = '${made.id}'`);
  expect(read).toMatchObject({ parent: { unlinked: made.id } });
});

test('the row filter sees the row as it is', async () => {
  const filtered: SyncConfiguration = {
    ...configuration,
    objects: configuration.objects.map((mapping) =>
      mapping.object === 'Contact'
        ? { ...mapping, filter: { where: `last_name <> 'Hidden'`, leaving: 'ignore' } }
        : mapping,
    ),
  };
  expect(await readDuring(`update borrowers set last_name = 'Hidden'`, filtered)).toMatchObject({ outside: true });
});
