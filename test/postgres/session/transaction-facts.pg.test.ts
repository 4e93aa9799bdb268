import { afterEach, beforeEach, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { tableColumns } from '../../../postgres/tables/table-columns.ts';
import { createLenderDatabase, type LenderDatabase } from '../../support/postgres/lender-database.ts';

const mapping = mappingOf(configuration, 'Account');

let lender: LenderDatabase;
let session: Session;
beforeEach(async () => {
  lender = await createLenderDatabase();
  session = await lender.session();
});
afterEach(() => lender[Symbol.asyncDispose]());

test('the columns of a table are read once in a transaction, and anew in the next', async () => {
  const inOne = () => inTransaction(session, async () => [await tableColumns(session, mapping), await look()]);
  const look = () => tableColumns(session, mapping);
  const [first, again] = await inOne();
  expect(again).toBe(first);
  await lender.application.query('alter table lenders add column rating text');
  const [next] = await inOne();
  expect([first?.types.has('rating'), next?.types.has('rating')]).toEqual([false, true]);
});

test('outside a transaction nothing is kept, also after one that failed', async () => {
  await expect(inTransaction(session, () => Promise.reject(new Error('stop')))).rejects.toThrow('stop');
  expect(session.transaction).toBeUndefined();
  expect(await tableColumns(session, mapping)).not.toBe(await tableColumns(session, mapping));
});
