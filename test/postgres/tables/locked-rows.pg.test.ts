/** What is read of rows that an application holds, and of what it changes while we hold them. */
import { beforeEach, expect, test } from 'vitest';
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { RowsLockedError } from '../../../postgres/session/server-errors.ts';
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

async function read(of: SyncConfiguration = configuration) {
  const [row] = await inTransaction(session, () =>
    lockRows(session, of, mappingOf(of, 'Contact'), { salesforceIds: [CHILD] }),
  );
  return row && { parent: row.fields.AccountId, outside: row.outside };
}

/** As long as the application holds the row, nothing is read of it, nor is it taken for gone; then it is as that has left it. */
async function readAfter(sql: string, of: SyncConfiguration = configuration) {
  const application = await lender.database.client();
  await application.query(`begin; ${sql}`);
  const refused: unknown = await read(of).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RowsLockedError);
  expect((refused as RowsLockedError).ids).toContain(CHILD);
  await application.query('commit');
  return read(of);
}

test('what its parent becomes between its lock and the read of the parents is seen', async () => {
  const application = await lender.database.client();
  const id = '001000000000003AAA';
  let locked = 0;
  const { query } = session;
  session.query = (async (...given: unknown[]) => {
    const answer: unknown = await Reflect.apply(query, session, given);
    if (JSON.stringify(given[0]).includes('skip locked')) {
      locked += 1;
      await application.query('update lenders set salesforce_id = $1 where salesforce_id = $2', [id, OLD]);
    }
    return answer;
  }) as typeof query;
  expect(await read()).toMatchObject({ parent: id });
  expect(locked).toBe(1);
});

test('a row that was pointed to another parent is read with that one', async () => {
  const read = await readAfter(`update borrowers set lender_id = (select id from lenders where name = 'New')`);
  expect(read).toMatchObject({ parent: NEW });
});

test('also to one that was inserted in the same transaction', async () => {
  const id = '001000000000003AAA';
  const read = await readAfter(
    `with made as (insert into lenders (name, salesforce_id) values ('Third', '${id}') returning id)
     update borrowers set lender_id = made.id from made`,
  );
  expect(read).toMatchObject({ parent: id });
});

test('or that got its Salesforce id in it', async () => {
  const read = await readAfter(
    `update lenders set salesforce_id = '001000000000003AAA' where name = 'Old'; update borrowers set last_name = 'Other'`,
  );
  expect(read).toMatchObject({ parent: '001000000000003AAA' });
});

test('a lookup that was cleared is null, and one to a parent without an id names its row', async () => {
  expect(await readAfter('update borrowers set lender_id = null')).toMatchObject({ parent: null });
  const [made] = await rows(`insert into lenders (name) values ('Without') returning id`);
  const read = await readAfter(`update borrowers set lender_id = '${made.id}'`);
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
  expect(await readAfter(`update borrowers set last_name = 'Hidden'`, filtered)).toMatchObject({ outside: true });
});
