import { beforeEach, describe, expect, test } from 'vitest';
import sample from '../../examples/lender/sync.config.ts';
import { readComparison } from '../../postgres/ledger/comparison.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { noteTables } from '../../postgres/ledger/mapped-tables.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const objects = sample.objects.map((mapping) => ({ ...mapping, delivery: 'api' as const }));
const configuration = { ...sample, objects };

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

const context = () => contextOf(session, configuration, 'Account', EXECUTION);
const held = { AnnualRevenue: '222.22', Phone: '0123456789' };
const look = (fields: Record<string, string> = held) => version('Account', ID, 1, fields);

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await applyVersions(context(), 'f', [{ line: 1, version: look() }], Date.UTC(2030, 0, 1));
  await rows('truncate sfsync.mapped_table, sfsync.comparison');
  await noteTables(session, configuration);
});

const to = (type: string, using = '') => rows(`alter table lenders alter annual_revenue type ${type} ${using}`);
const note = () => noteTables(session, configuration);
const compare = () => comparePart(context(), () => false);
const inexact = async () => (await rows('select inexact from sfsync.link'))[0]?.inexact;
const revenue = async () => (await rows('select annual_revenue::text as value from lenders'))[0]?.value;
const former = async () =>
  (await rows("select former_types from sfsync.mapped_table where object = 'Account'"))[0]?.former_types;

async function edit(assignment: string) {
  await rows(`update lenders set ${assignment}`);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(context(), keys));
}

/** What goes to Salesforce of what is due, after a look that finds this. */
async function sent(found = look()) {
  const looks = (await chosenRecords(context())).map((record) => ({ ...record, version: found }));
  const now = Date.UTC(2026, 0, 2);
  const { pushes } = await decideBatch(context(), 'one-0', looks, { readAt: now, now });
  expect(await rows('select from sfsync.conflict')).toEqual([]);
  return pushes.map(({ push }) => push.outgoing);
}

describe('a column that gets another type has edited nothing', () => {
  test('what a narrower one has made of the base is kept, and gives way to the base when the column holds that', async () => {
    await to('numeric(14,0)');
    await note();
    expect(await compare()).toMatchObject({ marked: 0 });
    expect(await inexact()).toEqual({ AnnualRevenue: '222' });
    expect(await former()).toEqual({});
    await to('numeric(14,2)');
    await note();
    // Restored, and nothing that was missed.
    expect(await compare()).toMatchObject({ marked: 0 });
    expect(await sent()).toEqual([]);
    expect(await revenue()).toBe('222.22');
    expect(await inexact()).toEqual({});
    expect(await compare()).toMatchObject({ marked: 0 });
  });

  test.for<[string, readonly string[], string]>([
    ['two changes, noted', ['numeric(14,0)', 'note', 'numeric(14,2)', 'note'], '222.22'],
    ['the second one is not noted yet', ['numeric(14,0)', 'note', 'numeric'], '222.22'],
    [
      'there and back before it was noted',
      ['numeric(14,2)', 'note', 'numeric(14,0)', 'numeric(14,2)', 'note'],
      '222.22',
    ],
    ['there and back, and not noted yet', ['numeric(14,2)', 'note', 'numeric(14,1)', 'numeric(14,2)'], '222.22'],
    [
      'there and back, without a limit',
      ['numeric(14,0)', 'numeric', 'note', 'numeric(14,0)', 'numeric', 'note'],
      '222.22',
    ],
    ['by way of an integer', ['integer', 'note', 'text', 'note', 'numeric', 'note'], '222.22'],
    ['by way of a real', ['real', 'note', 'double precision', 'note'], '222.22'],
    ['rounded twice', ['numeric(14,1)', 'note', 'numeric(14,-1)', 'note', 'numeric(16,3)', 'note'], '222.220'],
    ['by way of a domain', ['cents', 'note', 'numeric', 'note'], '222.22'],
  ])('before anything was compared: %s', async ([, changes, expected]) => {
    await rows('create domain cents as numeric(12,1)');
    for (const change of changes) await (change === 'note' ? note() : to(change, `using annual_revenue::${change}`));
    // The application touches the row before the comparison has come to it.
    await edit(`phone = phone`);
    expect(await chosenRecords(context())).toEqual([]);
    await note();
    // Restored, and nothing that was missed.
    expect(await compare()).toMatchObject({ marked: 0 });
    expect(await sent()).toEqual([]);
    expect(await revenue()).toBe(expected);
    expect(await former()).toEqual({});
  });

  test('a comparison that dies before its place is saved, or is ordered anew, forgets nothing', async () => {
    await to('numeric(14,0)');
    await note();
    const before = await readComparison(session, 'Account');
    await to('numeric(14,2)');
    await note();
    const { forgetFormerTypes } = await import('../../postgres/ledger/mapped-tables.ts');
    await forgetFormerTypes(session, before ?? expect.unreachable());
    expect(await former()).toEqual({ annual_revenue: ['numeric', 'numeric(14,0)'] });
    await compare();
    expect(await sent()).toEqual([]);
    expect(await revenue()).toBe('222.22');
  });

  test("a change in Salesforce, and another field's edit, go through at the same time", async () => {
    await to('numeric(14,0)');
    await note();
    await to('numeric(14,2)');
    await edit(`phone = 'edited'`);
    expect(await sent(look({ ...held, AnnualRevenue: '333.33' }))).toEqual([
      { kind: 'update', fields: { Phone: 'edited' } },
    ]);
    expect(await revenue()).toBe('333.33');
  });
});

test('a table that is rewritten without its columns being altered keeps what the application has rounded', async () => {
  await rows('vacuum full lenders');
  await note();
  await edit(`annual_revenue = 222`);
  expect(await sent()).toEqual([{ kind: 'update', fields: { AnnualRevenue: '222' } }]);
});

describe('the application has edited', () => {
  test.for(['numeric(14,2)', 'note'])('what no type makes of the base goes out (%s)', async (next) => {
    await to('numeric(14,0)');
    await note();
    await rows('update lenders set annual_revenue = 223');
    await (next === 'note' ? note() : to(next));
    await note();
    expect(await compare()).toMatchObject({ marked: 1 });
    expect(await sent()).toEqual([{ kind: 'update', fields: { AnnualRevenue: '223' } }]);
  });

  test('what it converts by an expression of its own goes out', async () => {
    await to('numeric(14,0)', 'using annual_revenue * 100');
    await note();
    await compare();
    expect(await sent()).toEqual([{ kind: 'update', fields: { AnnualRevenue: '22222' } }]);
  });

  test('a text that it has cut goes out', async () => {
    await rows('alter table lenders alter phone type varchar(5) using left(phone, 5)');
    await note();
    await compare();
    expect(await sent()).toMatchObject([{ fields: { Phone: '01234' } }]);
  });

  test('the rounded value, once the row had the exact one again', async () => {
    await to('numeric(14,0)');
    await note();
    await compare();
    await to('numeric(14,2)');
    await edit('annual_revenue = 222.22');
    expect(await chosenRecords(context())).toEqual([]);
    await note();
    await compare();
    await edit('annual_revenue = 222');
    expect(await sent()).toEqual([{ kind: 'update', fields: { AnnualRevenue: '222' } }]);
  });
});
