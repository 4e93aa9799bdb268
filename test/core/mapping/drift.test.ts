import { describe, expect, test } from 'vitest';
import {
  boolean,
  date,
  datetime,
  defineSync,
  mappingOf,
  multipicklist,
  number,
  type ObjectMapping,
  reference,
  type SyncDefinition,
  text,
  time,
} from '../../../core/mapping/configuration.ts';
import type { DescribedField, DescribedObject } from '../../../core/mapping/described-object.ts';
import type { Drift } from '../../../core/mapping/drift.ts';
import type { FieldTypeName } from '../../../core/mapping/field-types/field-type.ts';
import { salesforceDrift } from '../../../core/mapping/org-drift.ts';
import { type TableColumn, tableDrift } from '../../../core/mapping/table-drift.ts';
import { typeCheck } from '../../../core/mapping/type-check.ts';

type ObjectDefinition = SyncDefinition['objects'][string];

const described = (fields: readonly DescribedField[], more: Partial<DescribedObject> = {}): DescribedObject => ({
  queryable: true,
  updateable: true,
  deletable: true,
  fields: [...SYSTEM, ...fields],
  ...more,
});
const field = (name: string, type = 'string', more: Partial<DescribedField> = {}): DescribedField => ({
  name,
  type,
  length: 80,
  scale: 0,
  nillable: true,
  createable: true,
  updateable: true,
  defaultedOnCreate: false,
  referenceTo: [],
  ...more,
});
const SYSTEM = [
  field('IsDeleted', 'boolean', { createable: false, updateable: false }),
  field('SystemModstamp', 'datetime', { createable: false, updateable: false }),
];
const column = (name: string, type = 'text', more: Partial<TableColumn> = {}): TableColumn => ({
  name,
  type,
  maxLength: null,
  notNull: false,
  ...more,
});
const OWN = [column('id', 'int8', { notNull: true }), column('salesforce_id')];

/** The drift of a Contact; Account is there for lookups. */
function drift(
  fields: ObjectDefinition['fields'],
  object: DescribedObject | undefined,
  columns: readonly TableColumn[],
): Drift[] {
  return salesforceDrift(contact(fields), object, [...OWN, ...columns]);
}

function contact(fields: ObjectDefinition['fields'], more: Partial<ObjectDefinition> = {}): ObjectMapping {
  const Account = { table: 'lenders', fields: { Name: text('name') } };
  return mappingOf(defineSync({ objects: { Account, Contact: { table: 'people', fields, ...more } } }), 'Contact');
}

const PHONE = { Phone: text('phone') };

describe('nothing has drifted', () => {
  const FITS: readonly (readonly [FieldTypeName, readonly string[]])[] = [
    ['text', ['string', 'textarea', 'email', 'phone', 'url', 'picklist', 'combobox', 'encryptedstring', 'reference']],
    ['number', ['int', 'double', 'currency', 'percent', 'long']],
    ['boolean', ['boolean']],
    ['date', ['date']],
    ['datetime', ['datetime']],
    ['time', ['time']],
    ['multipicklist', ['multipicklist']],
  ];
  const make = { text, number, boolean, date, datetime, time, multipicklist };
  test.for(FITS)('%s reads the types that fit', ([type, fitting]) => {
    const builder = make[type as keyof typeof make];
    for (const each of fitting) {
      expect(drift({ X__c: builder('x') }, described([field('X__c', each)]), [column('x')])).toEqual([]);
    }
  });

  test('a lookup that may point to the parent, and unmapped fields', () => {
    const fields = [field('WhoId', 'reference', { referenceTo: ['Lead', 'Account'] }), field('New__c', 'location')];
    expect(drift({ WhoId: reference('who', 'Account') }, described(fields), [column('who', 'int8')])).toEqual([]);
  });
});

describe('Salesforce has changed', () => {
  test('an object that is gone or hidden', () => {
    expect(drift(PHONE, undefined, [column('phone')])).toEqual([
      {
        kind: 'broken',
        text: expect.stringMatching(/^Contact: Salesforce has no such object, or our user may not see it/),
      },
    ]);
  });

  test('a field that is gone, renamed or hidden from our user', () => {
    const [found, ...others] = drift(PHONE, described([field('Phone__c')]), [column('phone')]);
    expect(others).toEqual([]);
    expect(found).toEqual({ kind: 'broken', text: expect.stringMatching(/^Contact\.Phone: .*field-level security/) });
  });

  test('a field that is said to have another name than before, while Salesforce has the former one', () => {
    const mapping = contact({ Phone: text('phone', { formerly: 'Call__c' }) });
    const of = (...names: string[]) =>
      salesforceDrift(mapping, described(names.map((name) => field(name))), [...OWN, column('phone')]).map(
        ({ text: line }) => line,
      );
    expect(of('Phone')).toEqual([]);
    expect(of('Call__c')).toEqual(['Contact.Phone: Salesforce still calls it Call__c; rename it there']);
    expect(of('Phone', 'Call__c')).toEqual([expect.stringMatching(/^Contact\.Phone: Salesforce has Call__c, too/)]);
  });

  test('the external id of new rows: gone, no external id, not unique, of another type', () => {
    const mapping = contact(PHONE, { insert: true, externalId: 'Key__c' });
    const of = (key: readonly DescribedField[]) =>
      salesforceDrift(mapping, described([field('Phone'), ...key]), [...OWN, column('phone')]).map(
        ({ text: line }) => line,
      );
    const right = { externalId: true, unique: true };
    expect(of([field('Key__c', 'string', right)])).toEqual([]);
    expect(of([])).toEqual([expect.stringMatching(/^Contact\.Key__c: Salesforce does not show it/)]);
    expect(of([field('Key__c', 'double', { createable: false })])).toEqual([
      expect.stringContaining('make it a text field'),
      expect.stringContaining('is no external id'),
      expect.stringContaining('is not unique'),
      expect.stringContaining('cannot be written by our user'),
    ]);
    const dated = [column('id', 'date'), column('salesforce_id'), column('phone')];
    expect(tableDrift(mapping, dated)).toMatchObject([{ kind: 'risky', text: expect.stringContaining('type date') }]);
  });

  test('an external id that is shorter than keys may be, of several columns, too', () => {
    const of = (length: number, columns: readonly TableColumn[], key?: string[]) => {
      const mapping = contact(PHONE, { insert: true, externalId: 'Key__c', ...(key && { key }) });
      const right = { externalId: true, unique: true, caseSensitive: true, length };
      const found = described([field('Phone'), field('Key__c', 'string', right)]);
      return salesforceDrift(mapping, found, [...columns, column('salesforce_id'), column('phone')]).map(
        ({ text: line }) => line,
      );
    };
    const keyed = [column('tenant_id', 'uuid', { notNull: true }), column('id', 'uuid', { notNull: true })];
    expect(of(64, keyed, ['tenant_id', 'id'])).toEqual([
      expect.stringMatching(/^Contact\.Key__c: takes 64 characters, and row keys have up to 73: .*widen the field/),
    ]);
    expect(of(73, keyed, ['tenant_id', 'id'])).toEqual([]);
    expect(of(36, keyed, ['id'])).toEqual([]);
    expect(of(30, [column('id', 'varchar', { maxLength: 31 })])).toEqual([expect.stringContaining('have up to 31')]);
    expect(of(30, [column('id', 'text')])).toEqual([]);
  });

  const numeric = (precision: number, scale: number) =>
    column('x', 'numeric', { modifier: precision * 65_536 + scale + 4 });
  test.each<[string, ObjectDefinition['fields'], DescribedField, TableColumn, string[]]>([
    [
      'a longer text',
      { X__c: text('x') },
      field('X__c'),
      column('x', 'varchar', { maxLength: 300 }),
      ['public.people.x takes 300 characters, and Salesforce 80: a longer text is refused'],
    ],
    ['a text of the same length', { X__c: text('x') }, field('X__c'), column('x', 'varchar', { maxLength: 80 }), []],
    [
      'a text that only comes in',
      { X__c: text('x', { direction: 'to-postgres' }) },
      field('X__c'),
      column('x', 'varchar', { maxLength: 300 }),
      [],
    ],
    [
      'codes',
      { X__c: text('x', { values: { A: 'a' } }) },
      field('X__c'),
      column('x', 'varchar', { maxLength: 300 }),
      [],
    ],
    [
      'more digits in Salesforce',
      { X__c: number('x') },
      field('X__c', 'currency', { precision: 18, scale: 2 }),
      numeric(10, 2),
      ['has 16 digits before the point in Salesforce, public.people.x holds 8 and refuses more'],
    ],
    [
      'more digits in the column',
      { X__c: number('x') },
      field('X__c', 'currency', { precision: 8, scale: 2 }),
      numeric(12, 2),
      ['takes 10 digits before the point, and Salesforce 6: a larger number is refused'],
    ],
    [
      'more decimals in Salesforce',
      { X__c: number('x') },
      field('X__c', 'double', { precision: 10, scale: 4 }),
      numeric(8, 2),
      ['has 4 decimals in Salesforce, public.people.x holds 2 and rounds'],
    ],
    [
      'the same digits',
      { X__c: number('x') },
      field('X__c', 'double', { precision: 10, scale: 2 }),
      numeric(10, 2),
      [],
    ],
    [
      'any digits in the column',
      { X__c: number('x') },
      field('X__c', 'double', { precision: 10, scale: 2 }),
      column('x', 'numeric'),
      [],
    ],
  ])('what is refused or rounded: %s', (_, fields, found, held, words) => {
    const lines = drift(fields, described([found]), [held]).map(({ text: line }) => line);
    expect(lines).toEqual(words.map((each) => expect.stringContaining(each)));
  });

  test('a field that is spelled in other letters', () => {
    expect(drift({ phone: text('phone') }, described([field('Phone')]), [column('phone')])).toEqual([
      { kind: 'broken', text: 'Contact.phone: Salesforce spells it Phone; do so in sync.config.ts' },
    ]);
  });

  test.each([
    [
      { updateable: false, calculated: true },
      'is a formula or a roll-up, which Salesforce computes; give it the direction',
    ],
    [{ updateable: false, autoNumber: true }, 'is an auto-number, which Salesforce gives; give it the direction'],
    [{ updateable: false }, 'give the user edit access'],
    [{ htmlFormatted: true }, 'is rich text: Salesforce cleans'],
  ])('what cannot be written, or not as it is: %j', (more, words) => {
    const found = described([field('X__c', 'textarea', more)]);
    expect(drift({ X__c: text('x') }, found, [column('x')])).toMatchObject([{ text: expect.stringContaining(words) }]);
    expect(drift({ X__c: text('x', { direction: 'to-postgres' }) }, found, [column('x')])).toEqual([]);
  });

  test('a type that no longer fits, with the one that does', () => {
    expect(drift({ Score__c: number('score') }, described([field('Score__c')]), [column('score', 'numeric')])).toEqual([
      {
        kind: 'broken',
        text: 'Contact.Score__c: is a string in Salesforce and mapped as number; map it as text, with a column to match',
      },
    ]);
    const asText = drift({ Score__c: text('score') }, described([field('Score__c', 'double')]), [column('score')]);
    expect(asText).toMatchObject([{ kind: 'risky', text: expect.stringContaining('map it as number') }]);
    const compound = drift({ Place__c: text('place') }, described([field('Place__c', 'location')]), [column('place')]);
    expect(compound).toMatchObject([{ kind: 'broken', text: expect.stringContaining('map these') }]);
    const bytes = drift({ Scan__c: text('scan') }, described([field('Scan__c', 'base64')]), [column('scan')]);
    expect(bytes).toMatchObject([{ kind: 'broken', text: expect.stringContaining('an address in its place') }]);
  });

  test('a lookup that points elsewhere', () => {
    const fields = [field('AccountId', 'reference', { referenceTo: ['Branch__c'] })];
    expect(drift({ AccountId: reference('lender_id', 'Account') }, described(fields), [column('lender_id')])).toEqual([
      { kind: 'broken', text: expect.stringContaining('points to Branch__c in Salesforce and to Account') },
    ]);
  });

  test('a field that can no longer be written, unless it is not to be', () => {
    const formula = described([field('Phone', 'string', { updateable: false, createable: false })]);
    expect(drift(PHONE, formula, [column('phone')])).toEqual([
      { kind: 'broken', text: expect.stringContaining('give it the direction to-postgres') },
    ]);
    expect(drift({ Phone: text('phone', { direction: 'to-postgres' }) }, formula, [column('phone')])).toEqual([]);
  });

  test('a new field that is required, unless it fills itself', () => {
    const required = { nillable: false };
    const fields = [
      field('Phone'),
      field('Region__c', 'picklist', required),
      field('OwnerId', 'reference', { ...required, defaultedOnCreate: true }),
      field('Number__c', 'string', { ...required, createable: false }),
      field('Flag__c', 'boolean', required),
    ];
    expect(drift(PHONE, described(fields), [column('phone')])).toEqual([
      { kind: 'risky', text: expect.stringMatching(/^Contact\.Region__c: Salesforce requires it of new records/) },
    ]);
  });

  test('what our user may do with the object', () => {
    const none = described([field('Phone')], { queryable: false, updateable: false, deletable: false });
    const kinds = (more: Partial<ObjectDefinition> = {}, fields: ObjectDefinition['fields'] = PHONE) =>
      salesforceDrift(contact(fields, more), none, []).map(({ kind, text: line }) => `${kind} ${line.split(';')[0]}`);
    expect(kinds()).toEqual([
      'broken Contact: our user may not read it',
      'broken Contact: our user may not edit it',
      'risky Contact: our user may not delete it, so deletes of rows are refused',
    ]);
    expect(kinds({ deleteRecord: 'ignore' }, { Phone: text('phone', { direction: 'to-postgres' }) })).toEqual([
      'broken Contact: our user may not read it',
    ]);
  });
});

describe('the table has changed', () => {
  test('it is gone', () => {
    expect(tableDrift(contact(PHONE), undefined)).toEqual([
      { kind: 'broken', text: 'Contact: table public.people does not exist; create it, or correct sync.config.ts' },
    ]);
  });

  test('its name is written otherwise, with case, as Prisma and Sequelize do', () => {
    const others = [
      { schema: 'public', table: 'Person' },
      { schema: 'App', table: 'People' },
    ];
    expect(tableDrift(contact(PHONE), undefined, others)).toMatchObject([
      { text: expect.stringContaining(`; there is "App"."People": write table: '"App"."People"'`) },
    ]);
    const columns = [...OWN, column('Phone')];
    expect(tableDrift(contact(PHONE), columns)).toMatchObject([
      {
        text: expect.stringContaining(
          'people.phone does not exist; add it, or correct sync.config.ts; there is "Phone"',
        ),
      },
    ]);
  });

  test('columns are gone: of fields, and those with a part of their own', () => {
    const fields = { ...PHONE, Email: text('email') };
    const own = { updatedAt: 'updated_at', deletedAt: 'deleted_at', deleteRow: 'soft' } as const;
    const found = tableDrift(contact(fields, own), [...OWN, column('email')]);
    expect(found.map(({ text: line }) => line)).toEqual([
      expect.stringContaining('Contact: column public.people.updated_at does not exist'),
      expect.stringContaining('column public.people.deleted_at does not exist'),
      expect.stringContaining('column public.people.phone does not exist'),
    ]);
    expect(tableDrift(contact(PHONE), [...OWN, column('phone')])).toEqual([]);
  });

  test.for([
    [
      'a column shorter than the field',
      text('x'),
      field('X__c'),
      column('x', 'varchar', { maxLength: 40 }),
      'make the column text',
    ],
    [
      'an integer column for decimals',
      number('x'),
      field('X__c', 'currency', { scale: 2 }),
      column('x', 'int4'),
      'make the column numeric',
    ],
    [
      'a column that allows no null',
      date('x'),
      field('X__c', 'date'),
      column('x', 'date', { notNull: true }),
      'drop not null',
    ],
    [
      'a text column that allows no null',
      text('x'),
      field('X__c', 'string'),
      column('x', 'text', { notNull: true }),
      "drop not null, or give it the default ''",
    ],
    [
      'a column that allows null',
      date('x'),
      field('X__c', 'date', { nillable: false }),
      column('x', 'date'),
      'set it not null',
    ],
  ] as const)('%s is a risk', ([, mapped, found, there, change]) => {
    expect(drift({ X__c: mapped }, described([found]), [there])).toEqual([
      { kind: 'risky', text: expect.stringContaining(change) },
    ]);
  });

  test('what cannot happen in a direction is no risk', () => {
    const short = column('x', 'varchar', { maxLength: 40, notNull: true });
    expect(drift({ X__c: text('x', { direction: 'to-salesforce' }) }, described([field('X__c')]), [short])).toEqual([]);
    const emptied = column('x', 'text', { notNull: true, emptyByDefault: true });
    expect(drift({ X__c: text('x') }, described([field('X__c', 'string')]), [emptied])).toEqual([]);
    const strict = field('X__c', 'string', { nillable: false });
    expect(
      drift({ X__c: text('x', { direction: 'to-postgres' }) }, described([strict]), [column('x')]).map(
        ({ text: t }) => t,
      ),
    ).toEqual([expect.stringContaining('requires it of new records')]);
  });
});

describe('fields whose values do not fit', () => {
  const fields = { Name: text('name'), Score__c: number('score'), AccountId: reference('lender_id', 'Account') };
  const salesforce = described([
    field('Name', 'double'),
    field('Score__c'),
    field('AccountId', 'reference', { referenceTo: ['Branch__c'] }),
  ]);
  const all = new Set(Object.keys(fields));

  test('are distinguished by their types: null where it is the values', () => {
    expect(typeCheck(contact(fields), salesforce, all)).toEqual({
      Name: null,
      Score__c: 'is a string in Salesforce and mapped as number; map it as text, with a column to match',
      AccountId: expect.stringMatching(/^points to Branch__c/),
    });
    expect(typeCheck(contact(fields), salesforce, new Set(['Name']))).toEqual({ Name: null });
  });

  test('nothing is reported of an absent one; one by which records find their rows has no other type', () => {
    expect(typeCheck(contact(fields), described([field('Name')]), all)).toEqual({ Name: null });
    expect(typeCheck(contact(fields), undefined, all)).toEqual({});
    const matched = contact(fields, { matchBy: 'Score__c' });
    expect(typeCheck(matched, salesforce, new Set(['Score__c']))).toEqual({ Score__c: null });
  });

  test('of the former name of a field it is said whether Salesforce still has it', () => {
    const mapping = contact({ Phone: text('phone', { formerly: 'Call__c' }) });
    const asked = new Set(['Phone', 'Call__c']);
    expect(typeCheck(mapping, described([field('Phone')]), asked)).toEqual({ Phone: null, Call__c: 'is gone' });
    expect(typeCheck(mapping, described([field('Call__c')]), asked)).toEqual({ Call__c: null });
    expect(typeCheck(mapping, described([field('Phone'), field('Call__c')]), asked)).toEqual({
      Phone: null,
      Call__c: null,
    });
    expect(typeCheck(mapping, undefined, asked)).toEqual({});
  });
});
