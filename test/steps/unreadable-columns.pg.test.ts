/** A column that cannot be read in some rows: that value alone stays, and everything else goes on in both directions. */
import { beforeEach, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { orderComparison } from '../../postgres/ledger/comparison.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const [BAD, GOOD] = ['001000000000001AAA', '001000000000002AAA'] as const;

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

/** The application has a cast of its own, which fails for one of the values. */
beforeEach(async () => {
  session = await lender.session();
  await rows(`create type remark as enum ('good', 'better', 'bad')`);
  await rows(`create function remark_text(remark) returns text language plpgsql immutable as $$
              begin if $1 = 'bad' then raise exception 'not for you'; end if; return enum_out($1); end $$`);
  await rows('create cast (remark as text) with function remark_text(remark)');
  await rows('alter table lenders alter column description type remark using null');
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await file(1, {});
  await rows(`update lenders set description = 'bad' where salesforce_id = $1`, [BAD]);
});

const context = () => contextOf(session, configuration, 'Account', EXECUTION);
const lenders = () => rows('select phone, description from lenders order by salesforce_id');
const rejects = () =>
  rows('select salesforce_id, field, code from sfsync.rejected_record where resolved_at is null order by id');

function file(second: number, fields: object) {
  const lines = [BAD, GOOD].map((id, i) => {
    return { line: i, version: version('Account', id, second, { Phone: 'base', Description: 'good', ...fields }) };
  });
  return applyVersions(context(), 'file', lines, Date.UTC(2030, 0, 1));
}

test('Collect lists the row, and the other fields and the other rows go out', async () => {
  await rows(`update lenders set phone = 'row'`);
  const keys = (await rows('select id::text as key from lenders')).map(({ key }) => key);
  await inTransaction(session, () => receiveKeys(context(), keys));
  const batch = await chosenRecords(context());
  expect(batch.map(({ id }) => id).sort()).toEqual([BAD, GOOD]);
  expect(await rejects()).toEqual([{ salesforce_id: BAD, field: 'Description', code: 'UNREADABLE_VALUE' }]);
  const looks = batch.map((each) => ({
    ...each,
    version: version('Account', each.id, 1, { Phone: 'base', Description: 'good' }),
  }));
  const { pushes } = await decideBatch(context(), 'batch', looks, { readAt: Date.now(), now: Date.now() });
  expect(pushes.map(({ push }) => push.outgoing)).toEqual([
    { kind: 'update', fields: { Phone: 'row' } },
    { kind: 'update', fields: { Phone: 'row' } },
  ]);
});

test('what comes from Salesforce lands in both', async () => {
  expect(await file(2, { Phone: 'new' })).toMatchObject({ updated: 2, rejected: 0, conflicts: 0 });
  expect(await lenders()).toMatchObject([{ phone: 'new' }, { phone: 'new' }]);
  // An edit of the field itself replaces what cannot be read, as any value that Salesforce cannot store.
  expect(await file(3, { Phone: 'new', Description: 'better' })).toMatchObject({ updated: 2, rejected: 0 });
  expect(await lenders()).toMatchObject([{ description: 'better' }, { description: 'better' }]);
});

test('a comparison gets past it', async () => {
  await rows(`update lenders set phone = 'row' where salesforce_id = $1`, [GOOD]);
  await orderComparison(session, 'Account', 'asked');
  expect(await comparePart(context(), () => false)).toMatchObject({ looked: 4, marked: 1, left: 'nothing' });
});

test('where no row can be read, it is the column: nothing is listed for each of them', async () => {
  await rows(`create or replace function remark_text(remark) returns text language plpgsql immutable as $$
              begin perform 1 from no_such_table; return ''; end $$`);
  await rows(`update lenders set phone = 'row', description = 'good'`);
  const keys = (await rows('select id::text as key from lenders')).map(({ key }) => key);
  await inTransaction(session, () => receiveKeys(context(), keys));
  await expect(chosenRecords(context())).rejects.toMatchObject({ name: 'ConfigurationError', code: '42P01' });
  expect(await rejects()).toEqual([]);
});
