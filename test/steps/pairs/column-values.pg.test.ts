import { beforeEach, describe, expect, test } from 'vitest';
import type { OutcomeLine } from '../../../core/contracts/outbound-tasks.ts';
import type { CanonicalValue } from '../../../core/mapping/canonical.ts';
import type { FieldMapping, SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { settleBatch } from '../../../steps/settle.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const ID = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);

function withOptions(options: Partial<FieldMapping>): SyncConfiguration {
  const objects = sample.objects.map((mapping) => ({
    ...mapping,
    delivery: 'api' as const,
    fields: mapping.fields.map((field) => ({ ...field, ...options })),
  }));
  return { ...sample, objects };
}
const configuration = withOptions({});

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);

function file(each: SalesforceVersion, rules = configuration) {
  return applyVersions(contextOf(session, rules, 'Account', 'a file'), 'f', [{ line: 1, version: each }], LONG_AFTER);
}

async function edit(assignment: string) {
  await rows(`update lenders set ${assignment}`);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(outbound(), keys));
}

/** What goes to Salesforce after a look that finds this. */
async function sent(look: SalesforceVersion) {
  const due = await chosenRecords(outbound());
  const looks = due.map((record) => ({ ...record, version: look }));
  const now = Date.UTC(2026, 0, 2);
  const { pushes } = await decideBatch(outbound(), 'one-0', looks, { readAt: now, now });
  return pushes;
}

async function settled(pushes: Awaited<ReturnType<typeof sent>>, readBack: SalesforceVersion) {
  const outcomes = pushes.map(({ id }): [string, OutcomeLine] => [id, { id, outcome: 'accepted' }]);
  const at = Date.UTC(2026, 0, 3);
  const answers = { outcomes: new Map(outcomes), flowFailures: undefined, readAt: at, now: at };
  const lines = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  return settleBatch(outbound(), 'one-0', lines, answers);
}

const link = async () => (await rows('select base, inexact, dirty from sfsync.link'))[0];
const rejects = () => rows('select code, field from sfsync.rejected_record where resolved_at is null');

interface Case {
  readonly type: string;
  readonly field: string;
  readonly column: string;
  readonly value: CanonicalValue;
  readonly held: string;
}

const number = (type: string, value: string, held: string): Case => {
  return { type, field: 'AnnualRevenue', column: 'annual_revenue', value, held };
};
const text = (type: string, value: string, held: string): Case => {
  return { type, field: 'Website', column: 'website', value, held };
};

const CASES: readonly Case[] = [
  number('numeric(12,2)', '1000.005', '1000.01'),
  number('numeric(12,2)', '-0.005', '-0.01'),
  number('numeric(12,-2)', '1251', '1300'),
  number('numeric(2,4)', '0.00125', '0.0013'),
  number('float4', '16777217', '1.6777216e+07'),
  number('float8', '0.1234567890123456789', '0.12345678901234568'),
  number('cents', '1000.005', '1000.01'),
  text('uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  text('jsonb', '{"b":1,"a":2}', '{"a": 2, "b": 1}'),
  text('inet', '2001:DB8::1', '2001:db8::1/128'),
  text('name', 'a'.repeat(70), 'a'.repeat(63)),
  text('integer', '007', '7'),
  text('macaddr', '08-00-2B-01-02-03', '08:00:2b:01:02:03'),
  text('date', 'Jan 31 2026', '2026-01-31'),
];

describe('a value that its column holds as another one', () => {
  test.for(CASES)('$type makes $held of $value: equal, and nothing goes back', async (each) => {
    const { type, field, column, value, held } = each;
    await rows(
      `create domain money_of_the_application as numeric(12,2); create domain cents as money_of_the_application`,
    );
    await rows(`alter table lenders alter ${column} type ${type} using null`);
    const applied = await file(version('Account', ID, 1, { [field]: value }));
    expect(applied).toMatchObject({ inserted: 1, rejected: 0, due: false });
    expect(applied.reasons).toEqual([{ code: 'COLUMN_INEXACT', field, count: 1 }]);
    const shown = `select ${column}::text as value from lenders`;
    expect(await rows(shown)).toEqual([{ value: held }]);
    expect(await link()).toMatchObject({ base: { [field]: value }, dirty: false });

    await edit(`phone = 'edited'`);
    const pushes = await sent(version('Account', ID, 1, { [field]: value }));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
    await settled(pushes, version('Account', ID, 2, { [field]: value, Phone: 'edited' }));
    expect(await rows(shown)).toEqual([{ value: held }]);
    expect(await link()).toMatchObject({ base: { [field]: value }, dirty: false });
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('an edit of that column goes out, and one back to what it was does not', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    const look = version('Account', ID, 1, { AnnualRevenue: '1000.005' });
    await file(look);
    await edit('annual_revenue = 1000.02');
    expect(await link()).toMatchObject({ dirty: true });
    await edit('annual_revenue = 1000.01');
    expect(await chosenRecords(outbound())).toEqual([]);
    await edit('annual_revenue = 1000.02');
    expect(await sent(look)).toMatchObject([{ push: { outgoing: { fields: { AnnualRevenue: '1000.02' } } } }]);
  });

  test('is reported once, until its column has another type', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    const first = await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }));
    expect(first.reasons).toHaveLength(1);
    const context = contextOf(session, configuration, 'Account', 'another file');
    const again = (fields: Record<string, string>, second: number) =>
      applyVersions(context, 'g', [{ line: 1, version: version('Account', ID, second, fields) }], LONG_AFTER);
    expect((await again({ AnnualRevenue: '2000.005' }, 2)).reasons).toEqual([]);
    await rows('alter table lenders alter annual_revenue type numeric(12,1)');
    expect((await again({ AnnualRevenue: '3000.005' }, 3)).reasons).toHaveLength(1);
  });

  test('a row that held it before sfsync knew of it is at rest, too', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }));
    await rows(`update sfsync.link set inexact = '{}'`);
    await edit(`phone = phone`);
    expect(await chosenRecords(outbound())).toEqual([]);
  });

  test('a column that is widened takes the value when the record comes again, and sends nothing', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }));
    await rows('alter table lenders alter annual_revenue type numeric(14,4)');
    await edit(`phone = 'edited'`);
    const look = version('Account', ID, 1, { AnnualRevenue: '1000.005' });
    expect((await sent(look)).map(({ push }) => push.outgoing)).toEqual([
      { kind: 'update', fields: { Phone: 'edited' } },
    ]);
    expect(await rows('select annual_revenue from lenders')).toEqual([{ annual_revenue: '1000.0050' }]);
  });

  test('a column that is narrowed rounds what it has, and sends nothing', async () => {
    await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }));
    await rows('alter table lenders alter annual_revenue type numeric(14,0)');
    await edit(`phone = phone`);
    expect(await chosenRecords(outbound())).toEqual([]);
  });

  test('a row that is linked with the rounded value agrees, whatever the policy', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    await rows(
      `insert into lenders (salesforce_id, name, annual_revenue) values ('${ID}', 'Northwind Lending', 1000.01)`,
    );
    const rules = withOptions({ policy: 'postgres' });
    expect(await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }), rules)).toMatchObject({ due: false });
    expect(await link()).toMatchObject({ base: { AnnualRevenue: '1000.005' }, inexact: { AnnualRevenue: '1000.01' } });
  });

  test('a trigger that makes yet another value of it has edited the row: that goes back', async () => {
    await rows(`alter table lenders alter annual_revenue type numeric(12,2);
      create function cents() returns trigger language plpgsql as
        $$ begin new.annual_revenue := floor(new.annual_revenue); return new; end $$;
      create trigger cents before insert or update on lenders for each row execute function cents()`);
    expect(await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }))).toMatchObject({ due: true });
  });

  test('a value that the column refuses is rejected alone', async () => {
    await rows('alter table lenders alter website type integer using null');
    await file(version('Account', ID, 1, { Website: 'no number' }));
    expect(await rejects()).toMatchObject([{ code: '22P02' }]);
  });
});

describe("onLoss 'reject'", () => {
  const strict = withOptions({ onLoss: 'reject' });

  test('rejects the record with the field, and takes it when the value fits', async () => {
    await rows('alter table lenders alter annual_revenue type numeric(12,2)');
    const refused = await file(version('Account', ID, 1, { AnnualRevenue: '1000.005' }), strict);
    expect(refused).toMatchObject({ inserted: 0, rejected: 1 });
    expect(await rejects()).toEqual([{ code: 'VALUE_NOT_HELD', field: 'AnnualRevenue' }]);
    expect(await file(version('Account', ID, 2, { AnnualRevenue: '1000.01' }), strict)).toMatchObject({ inserted: 1 });
    expect(await rejects()).toEqual([]);
  });
});

describe('a value that Salesforce rounds', () => {
  const EXACT = '0.1234567890123456789';
  const ROUNDED = '0.12345678901234568';

  beforeEach(async () => {
    await file(version('Account', ID, 1, { AnnualRevenue: '5' }));
    await edit(`annual_revenue = ${EXACT}`);
    const pushes = await sent(version('Account', ID, 1, { AnnualRevenue: '5' }));
    expect(pushes).toMatchObject([{ push: { outgoing: { fields: { AnnualRevenue: EXACT } } } }]);
    await settled(pushes, version('Account', ID, 2, { AnnualRevenue: ROUNDED }));
  });

  const revenue = async () => (await rows('select annual_revenue as value from lenders'))[0]?.value;

  test('stays in the row as it is, and is not sent again', async () => {
    expect(await revenue()).toBe(EXACT);
    expect(await link()).toMatchObject({ dirty: false, base: { AnnualRevenue: ROUNDED } });
    await edit(`phone = 'edited'`);
    const pushes = await sent(version('Account', ID, 2, { AnnualRevenue: ROUNDED }));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
    await settled(pushes, version('Account', ID, 3, { AnnualRevenue: ROUNDED, Phone: 'edited' }));
    await file(version('Account', ID, 4, { AnnualRevenue: ROUNDED, Phone: 'from Salesforce' }));
    expect(await revenue()).toBe(EXACT);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('gives way to an edit in Salesforce', async () => {
    await file(version('Account', ID, 5, { AnnualRevenue: '0.12' }));
    expect(await revenue()).toBe('0.12');
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('that is edited again beyond what Salesforce keeps is sent once more', async () => {
    await edit('annual_revenue = 0.1234567890123456781');
    const pushes = await sent(version('Account', ID, 2, { AnnualRevenue: ROUNDED }));
    expect(pushes).toMatchObject([{ push: { outgoing: { fields: { AnnualRevenue: '0.1234567890123456781' } } } }]);
  });
});
