/** What a first user of a Rails database has to know before `check` and `prepare` say it. */
import { describe, expect, test } from 'vitest';
import { configurationText } from '../../../cli/init/configuration-text.ts';
import { type ColumnFacts, newTable, type Pair } from '../../../cli/init/facts.ts';
import { propose } from '../../../cli/init/proposal.ts';
import { schemaAdditions } from '../../../cli/init/schema-additions.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';

function column(name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts {
  return { name, type, kind: 'b', maxLength: null, notNull: false, hasDefault: false, generated: false, ...more };
}

function field(name: string, type: string, more: Partial<DescribedField> = {}): DescribedField {
  const writable = { nillable: true, createable: true, updateable: true, defaultedOnCreate: false };
  return { name, type, length: 80, scale: 0, referenceTo: [], ...writable, ...more };
}

const REQUIRED = { notNull: true };
const KEY = column('id', 'int8', { ...REQUIRED, hasDefault: true });

function pairOf(
  object: string,
  name: string,
  columns: readonly ColumnFacts[],
  fields: readonly DescribedField[],
): Pair {
  const keys = { primaryKey: ['id'], uniqueKeys: [['id'], ['salesforce_id']], foreignKeys: [] };
  return {
    object,
    described: { queryable: true, updateable: true, deletable: true, fields },
    table: { schema: 'public', name, columns: [KEY, column('salesforce_id', 'text'), ...columns], ...keys },
  };
}

const CONTACT = pairOf('Contact', 'borrowers', [column('last_name', 'text')], [field('LastName', 'string')]);

/** Texts of a Loan__c with its field Title__c, and what the case adds; comments as one line. */
function texts(columns: readonly ColumnFacts[], fields: readonly DescribedField[]) {
  const own = pairOf(
    'Loan__c',
    'loans',
    [column('title', 'text'), ...columns],
    [field('Title__c', 'string'), ...fields],
  );
  const proposals = propose([own, CONTACT]);
  return {
    mapping: configurationText(proposals).replace(/\n\s*\/\/ /g, ' '),
    additions: schemaAdditions(proposals)?.split('\n\n')[1],
    columnsWithoutField: proposals.find(({ object }) => object === 'Loan__c')?.columnsWithoutField,
  };
}

describe('a column that allows no null', () => {
  const change = 'alter table "public"."loans" alter column';
  test.each<[string, ColumnFacts, string | undefined]>([
    ['timestamp', column('made_at', 'timestamp', REQUIRED), `${change} "made_at" set default now();\n`],
    ['timestamptz', column('made_at', 'timestamptz', REQUIRED), `${change} "made_at" set default now();\n`],
    ['date', column('"On"', 'date', REQUIRED), `${change} """On""" set default now();\n`],
    [
      'another type',
      column('score', 'int4', REQUIRED),
      `-- a default is needed, or null allowed (int4): ${change} "score" set default ...;\n`,
    ],
    ['a default of its own', column('score', 'int4', { ...REQUIRED, hasDefault: true }), undefined],
    ['generated', column('score', 'int4', { ...REQUIRED, generated: true }), undefined],
    ['filled by a field', column('rate', 'numeric', REQUIRED), undefined],
  ])('and no field fills needs a default: %s', (_, facts, additions) => {
    const found = texts([facts], [field('Rate__c', 'percent')]);
    expect(found.additions).toBe(additions);
    const comment = `table: 'public.loans', ${facts.name}: no null allowed, no default, and not filled from Salesforce: each record that is new in Salesforce is rejected`;
    expect(found.mapping.includes(comment)).toBe(additions !== undefined);
  });

  test('of a key needs a default, too', () => {
    const pair = pairOf('Contact', 'borrowers', [column('last_name', 'text')], [field('LastName', 'string')]);
    const columns = pair.table.columns.map((each) => (each === KEY ? { ...KEY, hasDefault: false } : each));
    expect(schemaAdditions(propose([{ ...pair, table: { ...pair.table, columns } }]))).toContain(
      '\n-- a default is needed (int8): alter table "public"."borrowers" alter column "id" set default ...;\n',
    );
  });

  test.each<[string, Partial<ColumnFacts>, boolean]>([
    ['allows no null', REQUIRED, true],
    ['allows null', {}, false],
  ])('of a lookup rejects the children that come first: it %s', (_, more, expected) => {
    const found = texts(
      [column('contact_id', 'int8', more)],
      [field('Contact__c', 'reference', { referenceTo: ['Contact'] })],
    );
    const comment =
      "table: 'public.loans', contact_id: no null allowed: a record that comes before the Contact of its Contact__c is rejected (PARENT_MISSING) until that has a row;";
    expect(found.mapping.includes(comment)).toBe(expected);
    expect(found.additions).toBeUndefined();
  });
});

describe('columns of web frameworks', () => {
  const rails = [
    column('updated_at', 'timestamp', REQUIRED),
    column('created_at', 'timestamp', REQUIRED),
    column('lock_version', 'int4', { ...REQUIRED, hasDefault: true }),
    column('discarded_at', 'timestamp'),
  ];

  test('are named, so that sfsync fills them', () => {
    const found = texts(rails, []);
    expect(found.mapping).toContain(
      "updatedAt: 'updated_at',\n      touch: 'updated_at',\n      createdAt: 'created_at',\n      lockVersion: 'lock_version',",
    );
    expect(found.mapping).toContain("deleteRow: 'soft', deletedAt: 'discarded_at'");
    expect(found.mapping).not.toContain('is rejected until there is a default');
    expect(found.additions).toBeUndefined();
    expect(found.columnsWithoutField).toEqual(['discarded_at']);
  });

  test.each(['type', 'dtype'])('such as %s may say of which class a row is', (name) => {
    const comment = `${name}: if it says of which class a row is (single-table inheritance), map no field to it, and say which rows are meant: filter: { where: "${name} = '...'", values: { ${name}: '...' } }`;
    expect(texts([column(name, 'varchar', REQUIRED)], []).mapping).toContain(comment);
    expect(
      texts([column(name, 'varchar')], [field('Type', 'picklist'), field('Dtype__c', 'string')]).mapping,
    ).toContain(comment);
    expect(texts([column(name, 'int4')], []).mapping).not.toContain('single-table');
  });

  test('are left to the field that has them', () => {
    const { mapping } = texts(rails, [field('Created_At__c', 'datetime')]);
    expect(mapping).toContain("Created_At__c: datetime('created_at'),");
    expect(mapping).not.toContain('createdAt:');
  });
});

test.each<[string, Partial<DescribedField>, boolean]>([
  ['is a unique external id', {}, true],
  ['is not unique', { unique: false }, false],
  ['is a number', { type: 'double' }, false],
  ['may not be written', { createable: false }, false],
])('rows may become records by a field that %s', (_, more, expected) => {
  const key = field('Key__c', 'string', { externalId: true, unique: true, ...more });
  const { mapping } = texts([column('rate', 'numeric')], [field('Rate__c', 'percent'), key]);
  expect(mapping.includes("If they are to become records: insert: true, externalId: 'Key__c'")).toBe(expected);
});

describe('a remark behind the field', () => {
  test.each<[string, ColumnFacts, DescribedField, string]>([
    [
      'null in Salesforce alone',
      column('rate', 'numeric', REQUIRED),
      field('Rate__c', 'percent'),
      "Rate__c: number('rate'), // may be empty in Salesforce, and public.loans.rate allows no null; drop not null\n",
    ],
    [
      'null in the column alone',
      column('rate', 'numeric'),
      field('Rate__c', 'percent', { nillable: false }),
      "Rate__c: number('rate'), // may not be empty in Salesforce, and public.loans.rate allows null; set it not null\n",
    ],
    [
      'a shorter column, of a field that cannot be written',
      column('code', 'varchar', { maxLength: 20 }),
      field('Code__c', 'string', { updateable: false }),
      "Code__c: text('code', { direction: 'to-postgres' }), // our user may not edit the field; takes 80 characters in Salesforce, public.loans.code 20; make the column text\n",
    ],
    ['nothing', column('rate', 'numeric'), field('Rate__c', 'percent'), "Rate__c: number('rate'),\n"],
  ])('says what one side does not take: %s', (_, facts, described, line) => {
    expect(texts([facts], [described]).mapping).toContain(line);
  });
});

describe('a timestamp without time zone', () => {
  const at = [column('signed_at', 'timestamp'), column('seen_on', 'timestamp')];

  test('takes a datetime, and what it is taken for is said', () => {
    const found = texts(at, [field('Signed_At__c', 'datetime')]);
    expect(found.additions).toBeUndefined();
    expect(found.mapping).toContain("Signed_At__c: datetime('signed_at'),");
    expect(found.mapping).toContain('signed_at: timestamp without time zone, taken for UTC');
  });

  test('takes a date when it is said in which zone its day counts', () => {
    expect(texts(at, [field('Seen_On__c', 'date')]).mapping).toContain(
      "column seen_on is of type timestamp; say in which zone its day counts: date('seen_on', { dayIn: 'UTC' })",
    );
  });
});

test.each<[string, Pair, boolean]>([
  ['of a table that is there', { ...CONTACT, table: { ...CONTACT.table, uniqueKeys: [] } }, true],
  ['of a new table', { ...CONTACT, table: newTable('public', 'contacts') }, false],
])('the additions %s end with a newline and say what runs outside of a transaction', (_, pair, concurrently) => {
  const additions = schemaAdditions(propose([pair]));
  expect(additions?.endsWith(';\n')).toBe(true);
  expect(
    additions?.includes('cannot run inside a transaction\n-- (in a Rails migration: disable_ddl_transaction!)'),
  ).toBe(concurrently);
});
