import { describe, expect, test } from 'vitest';
import { configurationText } from '../../../cli/init/configuration-text.ts';
import { type ColumnFacts, newTable, type Pair, type TableFacts } from '../../../cli/init/facts.ts';
import { askedPairs, pairsByName } from '../../../cli/init/pairing.ts';
import { propose } from '../../../cli/init/proposal.ts';
import { schemaAdditions } from '../../../cli/init/schema-additions.ts';
import type { DescribedField, DescribedObject } from '../../../core/mapping/described-object.ts';

function field(name: string, type: string, more: Partial<DescribedField> = {}): DescribedField {
  const writable = { nillable: true, createable: true, updateable: true, defaultedOnCreate: false };
  return { name, type, length: 80, scale: 0, referenceTo: [], ...writable, ...more };
}

function described(...fields: readonly DescribedField[]): DescribedObject {
  return { queryable: true, updateable: true, deletable: true, fields };
}

function column(name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts {
  return { name, type, kind: 'b', maxLength: null, notNull: false, hasDefault: false, generated: false, ...more };
}

function table(name: string, columns: readonly ColumnFacts[], more: Partial<TableFacts> = {}): TableFacts {
  return { schema: 'public', name, columns, primaryKey: ['id'], uniqueKeys: [['id']], foreignKeys: [], ...more };
}

const ID = column('id', 'uuid');
const LENDERS: Pair = {
  object: 'Account',
  described: described(field('Id', 'id'), field('Name', 'string'), field('Industry', 'picklist')),
  table: table('lenders', [ID, column('name', 'text'), column('industry', 'industry', { kind: 'e' })]),
};

function fieldsOf(pair: Pair, ...parents: readonly Pair[]) {
  return propose([pair, ...parents]).find(({ object }) => object === pair.object);
}

describe('a proposal', () => {
  test('takes the column of the same name where the types fit, an enum for a picklist, too', () => {
    expect(fieldsOf(LENDERS)?.fields).toMatchObject([
      { field: 'Name', column: 'name', type: 'text', direction: 'both' },
      { field: 'Industry', column: 'industry', type: 'text', direction: 'both' },
    ]);
  });

  test('names a lookup that no foreign key names, and asks', () => {
    const reports = field('ReportsToId', 'reference', { referenceTo: ['Contact'] });
    const account = field('AccountId', 'reference', { referenceTo: ['Account'] });
    const contact = (columns: readonly ColumnFacts[], foreignKeys: TableFacts['foreignKeys'] = []): Pair => ({
      object: 'Contact',
      described: described(field('LastName', 'string'), reports, account),
      table: table('people', [ID, column('last_name', 'text'), ...columns], { foreignKeys }),
    });
    const lookups = (...given: Parameters<typeof contact>) =>
      fieldsOf(contact(...given), LENDERS)?.fields.filter(({ type }) => type === 'reference');
    const [byRelation, byId] = lookups([column('reports_to', 'uuid'), column('accountId', 'uuid')]) ?? [];
    expect(byRelation).toMatchObject({
      field: 'ReportsToId',
      column: 'reports_to',
      remark: expect.stringMatching(/no foreign key says so/),
    });
    expect(byId).toMatchObject({ field: 'AccountId', column: 'accountId', remark: undefined });
    // A column of another type is something else, and so is one that points elsewhere.
    expect(lookups([column('reports_to', 'text'), column('account', 'text')])).toEqual([]);
    const elsewhere = { column: 'account_id', schema: 'public', table: 'ledgers' };
    expect(lookups([column('account_id', 'uuid')], [elsewhere])).toEqual([]);
    const boss = { column: 'reports_to', schema: 'public', table: 'people' };
    const two = [column('mentor', 'uuid'), column('reports_to', 'uuid')];
    expect(lookups(two, [{ ...boss, column: 'mentor' }, boss])).toMatchObject([
      { field: 'ReportsToId', column: 'reports_to', remark: undefined },
    ]);
    const there = { ...elsewhere, column: 'employer', table: 'lenders' };
    expect(lookups([column('account', 'uuid'), column('employer', 'uuid')], [there])).toMatchObject([
      { field: 'AccountId', column: 'employer', remark: undefined },
    ]);
  });

  test('asks whether a sequence gives the keys, and whether a counter is the lock version, as Hibernate has them', () => {
    const pair = (key: Partial<ColumnFacts>, more: Partial<TableFacts> = {}): Pair => ({
      object: 'Account',
      described: described(field('Name', 'string')),
      table: table(
        'lender',
        [
          column('id', 'int8', { notNull: true, ...key }),
          column('name', 'text'),
          column('version', 'int4', { notNull: true }),
        ],
        { keySequences: ['lender_seq', 'hibernate_sequence'], ...more },
      ),
    });
    const textOf = (given: Pair) => configurationText(propose([given])).replaceAll(/\s+(\/\/ )?/g, ' ');
    expect(textOf(pair({}))).toContain(
      `If the application takes it from sequence lender_seq (or of hibernate_sequence), as Hibernate and JPA do, say so, and rows of new records get theirs there, too: onInsert: { id: { sql: "nextval('public.lender_seq')" } }`,
    );
    expect(textOf(pair({}))).toContain("as any stale one: lockVersion: 'version'");
    expect(textOf(pair({ hasDefault: true }))).not.toContain('nextval');
    expect(textOf(pair({}, { keySequences: [] }))).not.toContain('nextval');
  });

  test('of a table as Prisma makes it names what SQL takes in quotes only', () => {
    const pair: Pair = {
      object: 'Loan__c',
      described: described(field('FirstName', 'string'), field('Status__c', 'string')),
      table: table(
        'Loan',
        [...['id', 'salesforceId', 'firstName', "it's Status"].map((name) => column(name, 'text'))],
        {
          schema: 'App',
          uniqueKeys: [['id'], ['salesforceId']],
        },
      ),
    };
    expect(pairsByName([{ name: 'Loan__c', label: 'Loan', labelPlural: 'Loans' }], [pair.table])).toHaveLength(1);
    const text = configurationText(propose([pair]));
    expect(text).toContain(`table: '"App"."Loan"',\n      salesforceId: 'salesforceId',`);
    expect(text).toContain(`FirstName: text('firstName'),`);
    expect(schemaAdditions(propose([pair]))).toBeUndefined();
  });

  test('says why a field is left out, and names what has no counterpart', () => {
    const pair: Pair = {
      object: 'Contact',
      described: described(
        field('LastName', 'string'),
        field('Loan_Amount__c', 'currency'),
        field('MailingAddress', 'address'),
        field('Fax', 'phone'),
      ),
      table: table('borrowers', [
        ...[ID, column('last_name', 'varchar'), column('loan_amount', 'text'), column('password_digest', 'text')],
      ]),
    };
    expect(fieldsOf(pair)).toMatchObject({
      fields: [{ field: 'LastName' }],
      unfit: [expect.stringMatching(/^Loan_Amount__c: a currency goes into numeric, .* loan_amount is of type text$/)],
      withoutColumn: ['MailingAddress (address)', 'Fax (phone)'],
      columnsWithoutField: ['loan_amount', 'password_digest'],
    });
  });

  test('finds the column of a lookup by its name or by its foreign key, and puts the parent first', () => {
    const lookup = field('AccountId', 'reference', { referenceTo: ['Account'] });
    const key = { column: 'bank', schema: 'public', table: 'lenders' };
    const byKey: Pair = {
      object: 'Contact',
      described: described(lookup),
      table: table('borrowers', [ID, column('bank', 'uuid')], { foreignKeys: [key] }),
    };
    const byName: Pair = { ...byKey, table: table('borrowers', [ID, column('account_id', 'uuid')]) };
    expect(fieldsOf(byKey, LENDERS)?.fields).toMatchObject([
      { column: 'bank', type: 'reference', references: 'Account' },
    ]);
    expect(fieldsOf(byName, LENDERS)?.fields).toMatchObject([{ column: 'account_id', type: 'reference' }]);
    expect(propose([byKey, LENDERS]).map(({ object }) => object)).toEqual(['Account', 'Contact']);

    const otherType: Pair = { ...byKey, table: table('borrowers', [ID, column('account_id', 'int8')]) };
    expect(fieldsOf(otherType, LENDERS)?.unfit).toEqual([
      'AccountId: a reference goes into uuid, and column account_id is of type int8',
    ]);
    const alone: Pair = { ...byKey, table: table('borrowers', [ID, column('account_id', 'text')]) };
    expect(fieldsOf(alone)?.fields).toMatchObject([{ column: 'account_id', type: 'text', references: undefined }]);
  });

  test('of a table with several key columns names them all, and lookups to it do', () => {
    const keys = [column('tenant_id', 'int4'), column('id', 'int8')];
    const tenants: Pair = {
      object: 'Account',
      described: described(field('Name', 'string')),
      table: table('banks', [...keys, column('name', 'text')], { primaryKey: ['tenant_id', 'id'] }),
    };
    const people = (...columns: readonly ColumnFacts[]): Pair => ({
      object: 'Contact',
      described: described(field('LastName', 'string'), field('AccountId', 'reference', { referenceTo: ['Account'] })),
      table: table('people', [...columns, column('last_name', 'text'), column('account_id', 'int4')]),
    });
    const text = configurationText(propose([tenants, people(ID, column('tenant_id', 'int4'))]));
    expect(text).toContain(`key: ['tenant_id', 'id'],`);
    expect(text).toContain(`AccountId: reference(['tenant_id', 'account_id'], 'Account'),`);
    expect(fieldsOf(people(ID), tenants)?.unfit).toEqual([
      "AccountId: a row of Account is named by (tenant_id, id), and which column holds its tenant_id cannot be seen; name all of them: reference([...], 'Account')",
    ]);
  });

  test('lets a field that cannot be written, and a generated column, travel one way', () => {
    const pair: Pair = {
      object: 'Contact',
      described: described(field('Score__c', 'double', { updateable: false }), field('Title', 'string')),
      table: table('borrowers', [ID, column('score', 'numeric'), column('title', 'text', { generated: true })]),
    };
    expect(fieldsOf(pair)?.fields).toMatchObject([
      { field: 'Score__c', direction: 'to-postgres' },
      { field: 'Title', direction: 'to-salesforce' },
    ]);
    expect(configurationText(propose([pair]))).toContain(
      "Score__c: number('score', { direction: 'to-postgres' }), // our user may not edit the field",
    );
  });
});

test('a rich text area is proposed as richText', () => {
  const pair: Pair = {
    ...LENDERS,
    described: described(field('Notes__c', 'textarea', { length: 32768, htmlFormatted: true })),
    table: table('lenders', [ID, column('notes', 'text')]),
  };
  const text = configurationText(propose([pair]));
  expect(text).toContain("import { defineSync, richText } from 'sfsync';");
  expect(text).toContain("Notes__c: richText('notes'),");
});

describe('the DDL that is missing', () => {
  test('is the id column with its index, or the index alone, or nothing', () => {
    const withColumn = table('lenders', [ID, column('name', 'text'), column('salesforce_id', 'text')]);
    const complete = { ...withColumn, uniqueKeys: [['id'], ['salesforce_id']] };
    const additions = (facts: TableFacts) => schemaAdditions(propose([{ ...LENDERS, table: facts }]));
    expect(additions(LENDERS.table)).toContain(
      'alter table "public"."lenders" add column "salesforce_id" text;\ncreate unique index concurrently "lenders_salesforce_id" on "public"."lenders" ("salesforce_id");',
    );
    expect(additions(withColumn)).not.toContain('add column');
    expect(additions(complete)).toBeUndefined();
  });

  test('of a partitioned table has an index that is not made concurrently, and says why it is not unique', () => {
    const additions = schemaAdditions(propose([{ ...LENDERS, table: { ...LENDERS.table, kind: 'p' } }]));
    expect(additions).toContain('cannot be unique there');
    expect(additions).toContain('\ncreate index "lenders_salesforce_id" on "public"."lenders"');
    expect(additions).not.toContain('concurrently');
  });

  test('is a whole table where there is none', () => {
    const contact: Pair = {
      object: 'Contact',
      described: described(
        field('LastName', 'string'),
        field('DoNotCall', 'boolean'),
        field('Purposes__c', 'multipicklist'),
        field('MailingAddress', 'address'),
        field('AccountId', 'reference', { referenceTo: ['Account'] }),
      ),
      table: newTable('public', 'contacts'),
    };
    expect(schemaAdditions(propose([contact, { ...LENDERS, table: newTable('public', 'accounts') }]))).toContain(
      `create table "public"."contacts" (
  "id" uuid primary key default gen_random_uuid(),
  "salesforce_id" text unique,
  "last_name" text,
  "do_not_call" bool not null default false,
  "purposes" text[],
  "account_id" uuid references "public"."accounts" deferrable
);`,
    );
  });
});

describe('objects and tables', () => {
  const listed = (name: string, label: string, labelPlural: string) => ({ name, label, labelPlural });
  const objects = [
    listed('Loan_Application__c', 'Loan Application', 'Loan Applications'),
    listed('Account', 'Lender', 'Lenders'),
    listed('User', 'User', 'Users'),
    listed('Case', 'Case', 'Cases'),
  ];

  test('belong together by name or label; users are none of Salesforce', () => {
    const tables = [table('loan_applications', [ID]), table('lenders', [ID]), table('users', [ID])];
    expect(pairsByName(objects, tables).map(({ object, table: { name } }) => [object, name])).toEqual([
      ['Loan_Application__c', 'loan_applications'],
      ['Account', 'lenders'],
    ]);
    expect(pairsByName(objects, [table('cases', [ID], { primaryKey: [] })])).toEqual([]);
  });

  test('are paired as asked; a table that is not there is to be made', () => {
    const tables = [table('users', [ID])];
    expect(askedPairs([{ object: 'user', table: 'public.users' }], objects, tables)).toEqual([
      { object: 'User', table: tables[0] },
    ]);
    expect(askedPairs([{ object: 'Case', table: undefined }], objects, tables)).toEqual([
      { object: 'Case', table: newTable('public', 'cases') },
    ]);
    expect(() => askedPairs([{ object: 'Nothing', table: undefined }], objects, tables)).toThrow('no object Nothing');
  });
});

test('an object without IsDeleted is proposed read-only, and lookups of owners to it', () => {
  const users: Pair = {
    object: 'User',
    described: described(field('Id', 'id'), field('Email', 'email')),
    table: table('sales_people', [ID, column('email', 'text')]),
  };
  const owner = field('OwnerId', 'reference', { referenceTo: ['User'] });
  const maker = field('CreatedById', 'reference', { referenceTo: ['User'] });
  const lenders = { ...LENDERS, described: described(field('Name', 'string'), owner, maker) };
  const owned = {
    ...lenders,
    table: { ...LENDERS.table, columns: [...LENDERS.table.columns, column('owner_id', 'uuid')] },
  };
  const proposals = propose([owned, users]);
  expect(proposals.map(({ object, readOnly }) => [object, readOnly])).toEqual([
    ['User', true],
    ['Account', false],
  ]);
  expect(configurationText(proposals)).toContain("User: {\n      direction: 'to-postgres',");
  expect(configurationText(proposals)).toContain("OwnerId: reference('owner_id', 'User'),");
  expect(configurationText(proposals)).not.toContain('CreatedById');
});
