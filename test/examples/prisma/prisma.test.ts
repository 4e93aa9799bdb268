/**
 * The application of examples/prisma beside Salesforce: what its client was recorded to send becomes records, and what people do
 * in Salesforce becomes rows that the client reads. Each edit is written once on the other side, and comes back from there never.
 */
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RecordedCalls } from '../../support/examples/recorded-calls.ts';
import { type SalesforceRecord, until } from '../../support/system/both-sides.ts';
import { exampleSystem } from '../../support/system/example-system.ts';

const { sides } = exampleSystem('prisma');

const TABLES = { Account: 'Lender', Contact: 'Borrower', Loan__c: 'Loan', Payment__c: 'Payment' } as const;
type SObject = keyof typeof TABLES;
const CUID = /^c[a-z0-9]{24}$/;

let calls: RecordedCalls;
beforeAll(async () => {
  calls = await RecordedCalls.of(
    new URL('../../../examples/prisma/statements.json', import.meta.url),
    sides().database,
  );
  // Every write of any writer to a row, by table and key.
  const watched = Object.values(TABLES).map(
    (table) =>
      `create trigger watch after insert or update or delete on "${table}" for each row execute function watch.count();`,
  );
  await sides().rows(`
    create schema watch;
    create table watch.row_write (id bigint generated always as identity, relation text, key text, kind text);
    create function watch.count() returns trigger language plpgsql security definer as $$
    begin
      insert into watch.row_write (relation, key, kind) values (tg_table_name, coalesce(new.id, old.id), lower(tg_op));
      return null;
    end $$;
    ${watched.join('\n')}`);
});

const rowOf = (object: SObject, column: string, value: unknown) =>
  sides().row(`select * from "${TABLES[object]}" where "${column}" = $1`, [value]);

/** The record of a row, once it has what is expected. */
async function recordWith(object: SObject, key: string, expected: SalesforceRecord): Promise<SalesforceRecord> {
  let found: SalesforceRecord | undefined;
  return until(
    `the record of ${object} ${key}`,
    async () => {
      const id = (await rowOf(object, 'id', key))?.salesforceId;
      if (typeof id !== 'string') return undefined;
      found = await sides().record(object, id, ['External_Id__c', ...Object.keys(expected)].join(', '));
      return Object.entries(expected).every(([name, value]) => same(found?.[name], value)) && found;
    },
    () => found ?? 'no record',
  );
}

/** Datetimes are spelled with the zone in one place, and with milliseconds. */
const same = (found: unknown, value: unknown) =>
  found === value ||
  (typeof found === 'string' && typeof value === 'string' && Date.parse(found) === Date.parse(value));

const idOf = async (object: SObject, key: string) => String((await rowOf(object, 'id', key))?.salesforceId);
const kindsOf = async (id: string) => (await sides().writesToRecord(id)).map(({ kind }) => kind);

afterEach(async () => {
  await sides().rest();
  expect(await sides().rows('select object, field from sfsync.conflict')).toEqual([]);
  expect(
    await sides().rows('select object, code, field, reason from sfsync.rejected_record where resolved_at is null'),
  ).toEqual([]);
});

describe('what the client sends', () => {
  const lender = () => calls.value('create', 0, 0);
  const [borrower, loan] = [
    () => calls.value('create with parents and children', 1, 0),
    () => calls.value('create with parents and children', 3, 0),
  ];
  const payment = (i: number) => calls.value('create with parents and children', 4, 8 * i);

  test('create', async () => {
    await calls.replay('create');
    const record = await recordWith('Account', lender(), {
      ...{ Name: 'First Lender', Industry: 'Banking', AnnualRevenue: 1200000.5 },
    });
    expect(record.External_Id__c).toBe(lender());
  });

  test('create with parents and children, in one transaction', async () => {
    await calls.replay('create with parents and children');
    await recordWith('Contact', borrower(), { LastName: 'Moss', Birthdate: '1980-02-03', Tags__c: 'vip' });
    const parent = await rowOf('Account', 'name', 'Second Lender');
    await recordWith('Account', String(parent?.id), { Industry: 'Credit Union' });
    await recordWith('Loan__c', loan(), {
      ...{ Name: 'Barn', Status__c: 'Submitted', Amount__c: 250000, Rate__c: 4.125, Term_Months__c: 360 },
      ...{ Purposes__c: 'PURCHASE;RENOVATION', Channels__c: 'web' },
      ...{ Lender__c: await idOf('Account', String(parent?.id)), Borrower__c: await idOf('Contact', borrower()) },
    });
    for (const i of [0, 1]) {
      await recordWith('Payment__c', payment(i), {
        ...{ Name: `P-${i + 1}`, Amount__c: 1000.1, Due_On__c: `2031-0${i + 1}-01`, Paid__c: false },
        ...{ Loan__c: await idOf('Loan__c', loan()) },
      });
    }
  });

  test('update, of the record and of its children', async () => {
    await calls.replay('update');
    await recordWith('Loan__c', loan(), { Status__c: 'Underwriting', Approved_At__c: '2030-12-01T10:00:00.000Z' });
    await calls.replay('update with children');
    await recordWith('Loan__c', loan(), { Name: 'Barn and Mill', Lender__c: await idOf('Account', lender()) });
    await recordWith('Payment__c', payment(0), { Paid__c: true });
    await recordWith('Payment__c', calls.value('update with children', 5, 0), { Name: 'P-3', Amount__c: 5 });
    await calls.replay('updateMany');
    await recordWith('Payment__c', payment(1), { Paid__c: true });
    await calls.replay('increment');
    await recordWith('Loan__c', loan(), { Term_Months__c: 372, Channels__c: 'web;broker' });
  });

  test('the part of a second that a datetime has more than Salesforce stays in the row', async () => {
    const row = await sides().row(`select "approvedAt"::text as at from "Loan" where id = $1`, [loan()]);
    expect(row?.at).toBe('2030-12-01 10:00:00.123');
  });

  test('upsert', async () => {
    await calls.replay('upsert, new');
    const key = calls.value('upsert, new', 0, 0);
    await recordWith('Contact', key, { LastName: 'Nye' });
    await calls.replay('upsert, there');
    await recordWith('Contact', key, { LastName: 'Noble', Tags__c: 'first-time' });
    await sides().rest();
    expect(await kindsOf(await idOf('Contact', key))).toEqual(['create', 'update']);
  });

  test('createMany, and an interactive transaction', async () => {
    await calls.replay('createMany');
    await recordWith('Payment__c', calls.value('createMany', 0, 0), { Name: 'C-1', Amount__c: 1 });
    await recordWith('Payment__c', calls.value('createMany', 0, 8), { Name: 'C-2', Amount__c: 2.5 });
    await calls.replay('transaction');
    const third = String((await rowOf('Account', 'name', 'Third Lender'))?.id);
    await recordWith('Account', third, { Name: 'Third Lender' });
    const orr = String((await rowOf('Contact', 'lastName', 'Orr'))?.id);
    await recordWith('Contact', orr, { AccountId: await idOf('Account', third) });
  });

  test('null and the empty list', async () => {
    await calls.replay('update to nothing');
    await recordWith('Loan__c', loan(), { Approved_At__c: null, Purposes__c: null, Borrower__c: null });
  });

  test('each edit was written once, and none came back', async () => {
    await sides().rest();
    // Six calls touched the loan: one made it, one of the five others left out what Salesforce sees.
    expect(await kindsOf(await idOf('Loan__c', loan()))).toEqual(['create', 'update', 'update', 'update', 'update']);
    expect(await kindsOf(await idOf('Payment__c', payment(1)))).toEqual(['create', 'update']);
    // The row: the client's six writes, and the id of its record.
    const kinds = await sides().writesToRow(loan());
    expect(kinds.filter((kind) => kind === 'update')).toHaveLength(6 - 1 + 1);
  });

  test('delete', async () => {
    const id = await idOf('Payment__c', payment(1));
    await calls.replay('delete');
    await until('the delete', async () => (await sides().record('Payment__c', id, 'Name'))?.IsDeleted === true);
  });

  test('delete with the children, and deleteMany', async () => {
    const ids = { loan: await idOf('Loan__c', loan()), payment: await idOf('Payment__c', payment(0)) };
    const contact = await idOf('Contact', borrower());
    await calls.replay('delete, with its children');
    await until('the delete', async () => (await sides().record('Loan__c', ids.loan, 'Name'))?.IsDeleted === true);
    expect((await sides().record('Payment__c', ids.payment, 'Name'))?.IsDeleted).toBe(true);
    await calls.replay('deleteMany');
    await until('the other', async () => (await sides().record('Contact', contact, 'LastName'))?.IsDeleted === true);
  });
});

describe('what people do in Salesforce', () => {
  const create = async (object: SObject, fields: object) =>
    String((await sides().salesforce.sobject(object).create(fields)).id);
  const update = (object: SObject, id: string, fields: object) =>
    sides()
      .salesforce.sobject(object)
      .update({ Id: id, ...fields });
  const READ = {
    Account: ['read a lender', '001000000000001AAA'],
    Contact: ['read a borrower', '003000000000001AAA'],
    Loan__c: ['read a loan', 'a0L000000000001AAA'],
    Payment__c: ['read a payment', 'a0P000000000001AAA'],
  } as const;
  /** What the client reads of the row of a record. */
  const read = async (object: SObject, id: string) => {
    const [call, recorded] = READ[object];
    return (await calls.replay(call, { [recorded]: id }))[0]?.[0];
  };
  const family = { lender: '', borrower: '', loan: '', payment: '' };

  test('new records become rows as the client makes them, which it reads', async () => {
    const begun = Date.now();
    family.lender = await create('Account', { Name: 'Far Lender', Industry: 'Private' });
    family.borrower = await create('Contact', { LastName: 'Quill', AccountId: family.lender, Tags__c: 'vip' });
    family.loan = await create('Loan__c', {
      ...{ Name: 'Quay', Status__c: 'Approved', Term_Months__c: 120, Amount__c: 99.5, Purposes__c: 'REFINANCE' },
      ...{ Channels__c: 'broker;web', Approved_At__c: '2030-05-01T08:00:00Z' },
      ...{ Lender__c: family.lender, Borrower__c: family.borrower },
    });
    family.payment = await create('Payment__c', {
      ...{ Name: 'Q-1', Amount__c: 10, Due_On__c: '2031-06-01', Paid__c: true, Loan__c: family.loan },
    });
    await until('the payment', async () => (await read('Payment__c', family.payment)) !== undefined);
    await sides().rest();

    const lender = await read('Account', family.lender);
    expect(lender).toMatchObject({ name: 'Far Lender', industry: 'PRIVATE', settings: {}, annualRevenue: null });
    const borrower = await read('Contact', family.borrower);
    expect(borrower).toMatchObject({ lastName: 'Quill', lenderId: lender?.id, tags: ['vip'], doNotCall: false });
    const loan = await read('Loan__c', family.loan);
    expect(loan).toMatchObject({
      ...{ title: 'Quay', status: 'APPROVED', termMonths: 120, rate: null, purposes: ['REFINANCE'] },
      ...{ channels: ['broker', 'web'], lenderId: lender?.id, borrowerId: borrower?.id },
    });
    expect(Number(loan?.amount)).toBe(99.5);
    expect(await read('Payment__c', family.payment)).toMatchObject({ reference: 'Q-1', paid: true, loanId: loan?.id });
    // What the client's defaults would have given them, in UTC.
    const times = await sides().row<{ made: string; changed: string }>(
      `select "createdAt"::text || 'Z' as made, "updatedAt"::text || 'Z' as changed from "Loan" where id = $1`,
      [loan?.id],
    );
    expect(loan?.id).toMatch(CUID);
    for (const time of [times?.made, times?.changed]) {
      expect(Date.parse(String(time))).toBeGreaterThan(begun - 5_000);
      expect(Date.parse(String(time))).toBeLessThan(Date.now() + 5_000);
    }
  });

  test('their edits arrive and move updatedAt; the client edits the row, and so does its record', async () => {
    const before = await read('Loan__c', family.loan);
    await update('Loan__c', family.loan, { Amount__c: 100, Name: 'Quay South' });
    await until('the edit', async () => (await read('Loan__c', family.loan))?.title === 'Quay South');
    const after = await read('Loan__c', family.loan);
    expect(Number(after?.updatedAt)).toBeGreaterThan(Number(before?.updatedAt));
    const key = String(after?.id);
    await calls.replay('update', { [calls.value('update', 0, 3)]: key });
    await recordWith('Loan__c', key, { Status__c: 'Underwriting', Amount__c: 100, Name: 'Quay South' });
  });

  test('edits of different fields at once both survive', async () => {
    const key = String((await read('Loan__c', family.loan))?.id);
    await Promise.all([
      calls.replay('increment', { [calls.value('increment', 0, 3)]: key }),
      update('Loan__c', family.loan, { Rate__c: 3.5 }),
    ]);
    await recordWith('Loan__c', key, { Term_Months__c: 132, Channels__c: 'web;broker', Rate__c: 3.5 });
    await until('their rate', async () => (await read('Loan__c', family.loan))?.rate === 3.5);
  });

  test('nothing that came from Salesforce goes back there', async () => {
    await sides().rest();
    expect(await kindsOf(family.payment)).toEqual(['create']);
    expect(await kindsOf(family.borrower)).toEqual(['create']);
  });

  test('a value that the enum does not have stops its record only', async () => {
    const [odd, even] = await Promise.all([
      create('Account', { Name: 'Odd Lender', Industry: 'Insurance' }),
      create('Account', { Name: 'Even Lender', Industry: 'Banking' }),
    ]);
    await until('the other one', async () => (await read('Account', even))?.name === 'Even Lender');
    const rejects = () =>
      sides().rows('select code, field from sfsync.rejected_record where salesforce_id = $1 and resolved_at is null', [
        odd,
      ]);
    await until('the reject', async () => (await rejects()).length === 1);
    expect(await rejects()).toEqual([{ code: 'VALUE_NOT_MAPPED', field: 'Industry' }]);
    await update('Account', odd, { Industry: 'Private' });
    await until('its row', async () => (await read('Account', odd))?.industry === 'PRIVATE');
  });

  test('a delete takes the row and its payments, an undelete brings both back under their keys', async () => {
    const keys = [(await read('Loan__c', family.loan))?.id, (await read('Payment__c', family.payment))?.id];
    await sides().salesforce.sobject('Loan__c').delete(family.loan);
    await until('the end of the rows', async () => {
      const [loan, payment] = [await read('Loan__c', family.loan), await read('Payment__c', family.payment)];
      return loan === undefined && payment === undefined;
    });
    await sides().rest();
    await sides().salesforce.soap.undelete([family.loan]);
    await until('the rows', async () => {
      const [loan, payment] = [await read('Loan__c', family.loan), await read('Payment__c', family.payment)];
      return loan?.id === keys[0] && payment?.id === keys[1] && payment?.loanId === keys[0];
    });
  });
});

test('the tables are those that the migrations make', async () => {
  const folder = new URL('../../../examples/prisma/', import.meta.url);
  const migrations = (await readdir(new URL('prisma/migrations', folder))).filter((name) => !name.includes('.')).sort();
  const read = (path: string) => readFile(new URL(path, folder), 'utf8');
  const texts = await Promise.all(migrations.map((name) => read(`prisma/migrations/${name}/migration.sql`)));
  expect(await read('schema.sql')).toBe(texts.join(''));
});
