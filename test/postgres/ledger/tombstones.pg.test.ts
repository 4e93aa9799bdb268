/** `sfsync.tombstone`: rows that Salesforce has deleted, kept whole for an undelete. */

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { buryRows, restoreRows } from '../../../postgres/ledger/tombstones.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { aMillisecondLater } from '../../support/a-millisecond-later.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';

const [A, B] = ['001000000000001AAA', '001000000000002AAA'] as const;
const account = mappingOf(configuration, 'Account');
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
const keys = new Map<string, string>();
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows('truncate lenders, borrowers, loan_applications, sfsync.tombstone');
  for (const id of [A, B]) await make(id);
});

async function make(id: string) {
  const [{ key }] = await rows(
    `insert into lenders (salesforce_id, name, internal_notes) values ($1, 'Bank', 'ours') returning id::text as key`,
    [id],
  );
  keys.set(id, key);
}

const bury = (...ids: string[]) =>
  inTransaction(session, () =>
    buryRows(
      session,
      account,
      ids.map((id) => ({ key: keys.get(id) ?? '', salesforceId: id, survivor: undefined })),
    ),
  );
const restore = (...ids: string[]) =>
  inTransaction(session, () =>
    restoreRows(
      session,
      account,
      ids.map((id) => ({
        key: keys.get(id) ?? '',
        salesforceId: id,
        fields: version('Account', id, 1, { Name: 'Back' }).fields,
      })),
    ),
  );
const kept = () => rows('select object, salesforce_id as id, row_key as key from sfsync.tombstone order by 1, 2');

test('rows that go are kept as they were, and others stay', async () => {
  const [before] = await rows('select to_jsonb(t) as "row" from lenders t where salesforce_id = $1', [A]);
  await bury(A);
  expect(await rows('select salesforce_id from lenders')).toEqual([{ salesforce_id: B }]);
  expect(await kept()).toEqual([{ object: 'Account', id: A, key: keys.get(A) }]);
  expect(await rows('select "row" from sfsync.tombstone')).toEqual([before]);
});

test('a row that goes again is kept as it is by then', async () => {
  await bury(A, B);
  const [{ at }] = await rows('select deleted_at as at from sfsync.tombstone where salesforce_id = $1', [A]);
  aMillisecondLater();
  await make(A);
  await rows(`update lenders set internal_notes = 'newer'`);
  await bury(A);
  expect(await kept()).toEqual([A, B].map((id) => ({ object: 'Account', id, key: keys.get(id) })));
  const [again] = await rows('select "row", deleted_at as at from sfsync.tombstone where salesforce_id = $1', [A]);
  expect(again.row.internal_notes).toBe('newer');
  expect(again.at.getTime()).toBeGreaterThan(at.getTime());
});

test('a row that comes back has its key, the columns that Salesforce never had, and the values that it has', async () => {
  await bury(A, B);
  await rows(`insert into sfsync.tombstone (object, salesforce_id, row_key, "row") values ('Contact', $1, 'k', '{}')`, [
    A,
  ]);
  await restore(A);
  expect(await rows('select id, salesforce_id, name, internal_notes from lenders')).toEqual([
    { id: keys.get(A), salesforce_id: A, name: 'Back', internal_notes: 'ours' },
  ]);
  // What was kept of it is kept no more; what of another one, or of another object, is.
  expect(await kept()).toEqual([
    { object: 'Account', id: B, key: keys.get(B) },
    { object: 'Contact', id: A, key: 'k' },
  ]);
});

test('a row that a trigger keeps from going is not kept twice: the part is refused', async () => {
  await rows('create function keep() returns trigger language plpgsql as $$ begin return null; end $$');
  await rows('create trigger keep before delete on lenders for each row execute function keep()');
  await expect(bury(A)).rejects.toMatchObject({ code: 'ROW_NOT_WRITTEN' });
  expect(await kept()).toEqual([]);
  await rows('drop trigger keep on lenders; drop function keep');
});
