import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { release } from '../../cli/release.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { createLenderDatabase, type LenderDatabase } from '../support/postgres/lender-database.ts';
import { type DeployedStack, startDeployedStack } from './deployed-stack.ts';

let lender: LenderDatabase;
let stack: DeployedStack;
let session: Session;

beforeAll(async () => {
  [lender, stack] = await Promise.all([createLenderDatabase(), startDeployedStack()]);
  session = await lender.database.client();
});
beforeEach(async () => {
  stack.printed.splice(0);
  await session.query('truncate sfsync.link, sfsync.chosen_delete restart identity');
  await session.query(`insert into sfsync.link (object, salesforce_id, row_key, base, base_deleted, delete_guard)
    select 'Account', '0010000000000' || n || 'AAA', n::text, '{}', false, 'held' from generate_series(10, 21) n`);
  await session.query(`insert into sfsync.chosen_delete values ('Account', now(), 12)`);
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await lender?.[Symbol.asyncDispose]();
});

const yes = async () => true;

async function links() {
  const { rows } = await session.query(
    'select distinct dirty, delete_guard as guard, base_deleted as deleted, reread_due as reread from sfsync.link',
  );
  return rows;
}
const UNTOUCHED = { dirty: false, guard: 'held', deleted: false, reread: false };

test('shows how many are held and some of their keys, and does nothing in a dry run', async () => {
  expect(await release(stack.operator({ dryRun: true }), session, 'Account', false, yes)).toBe(false);
  expect(stack.printed).toEqual([
    'Account: 12 deletes held',
    ...Array.from({ length: 10 }, (_, i) => `  0010000000000${10 + i}AAA  key ${10 + i}`),
    '  and 2 more',
    '12 records would be deleted in Salesforce',
  ]);
  expect(await links()).toEqual([UNTOUCHED]);
});

test('asks first, and takes a no', async () => {
  const asked: string[] = [];
  const no = async (question: string) => asked.push(question) < 0;
  expect(await release(stack.operator(), session, 'Account', false, no)).toBe(false);
  expect(asked).toEqual(['12 records would be deleted in Salesforce. Go on?']);
  expect(await links()).toEqual([UNTOUCHED]);
});

test('makes the deletes due, forgets what was counted, and announces the object', async () => {
  expect(await release(stack.operator(), session, 'Account', false, yes)).toBe(true);
  expect(await links()).toEqual([{ dirty: true, guard: 'passed', deleted: false, reread: false }]);
  expect((await session.query('select from sfsync.chosen_delete')).rowCount).toBe(0);
  expect(await stack.announced(1)).toEqual(['Account']);
  await session.query(`insert into sfsync.chosen_delete values ('Account', now(), 12)`);
  expect(await release(stack.operator({ dryRun: true }), session, 'Account', false, yes)).toBe(true);
  expect(stack.printed.at(-1)).toBe('no deletes of Account are held');
  expect((await session.query('select from sfsync.chosen_delete')).rowCount).toBe(1);
  expect(await release(stack.operator(), session, 'Account', false, yes)).toBe(true);
  expect(stack.printed.at(-1)).toBe('no deletes of Account are held; counting begins anew');
  expect((await session.query('select from sfsync.chosen_delete')).rowCount).toBe(0);
});

test('--restore has the records read, and sends no delete', async () => {
  expect(await release(stack.operator(), session, 'Account', true, yes)).toBe(true);
  expect(await links()).toEqual([{ dirty: false, guard: null, deleted: true, reread: true }]);
  expect(await stack.announced(1)).toEqual(['Account']);
});
