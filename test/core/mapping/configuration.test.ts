import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../../core/errors.ts';
import {
  boolean,
  defineSync,
  mappingOf,
  multipicklist,
  number,
  outgoingFields,
  picklist,
  reference,
  type SyncDefinition,
  text,
} from '../../../core/mapping/configuration.ts';
import { FIELD_TYPES } from '../../../core/mapping/field-types/field-types.ts';

const lender: SyncDefinition = {
  objects: {
    Account: { table: 'public.lenders', fields: { Name: text('name') } },
    Contact: {
      table: 'borrowers',
      key: 'number',
      salesforceId: 'sfid',
      delivery: 'api',
      fields: {
        Email: text('email', { policy: 'postgres' }),
        Score__c: number('score', { direction: 'to-salesforce' }),
        Rating__c: number('rating', { direction: 'to-postgres' }),
        AccountId: reference('lender_id', 'Account'),
      },
    },
  },
};

function faultsOf(definition: unknown): string[] {
  try {
    defineSync(definition as SyncDefinition);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.code).toBe('FAULTY_CONFIGURATION');
    const [head, ...faults] = error.message.split('\n');
    expect(head).toBe(`sync.config.ts has ${faults.length} fault(s):`);
    return faults.map((fault) => fault.replace(/^ {2}- /, ''));
  }
  throw new Error('no fault was found');
}

describe('a definition', () => {
  const configuration = defineSync(lender);

  test('becomes mappings in its order, with what was left out', () => {
    expect(configuration.objects).toEqual([
      {
        object: 'Account',
        direction: 'both',
        recycleBin: true,
        stampField: 'SystemModstamp',
        refreshFormulas: false,
        schema: 'public',
        table: 'lenders',
        keyColumns: ['id'],
        salesforceIdColumn: 'salesforce_id',
        updatedAtColumn: undefined,
        touchColumn: undefined,
        lockVersionColumn: undefined,
        createdAtColumn: undefined,
        onInsert: [],
        zone: 'UTC',
        deleteRow: 'delete',
        deleteRecord: 'recycle-bin',
        deletedAtColumn: undefined,
        delivery: 'appflow',
        blankCells: 'keep',
        filter: undefined,
        deleteGuard: { percent: 10, atLeast: 20, atMost: 500, windowMinutes: 60 },
        matchBy: undefined,
        fields: [
          {
            field: 'Name',
            column: 'name',
            type: FIELD_TYPES.text,
            direction: 'both',
            policy: 'salesforce',
            onLoss: 'accept',
            references: undefined,
          },
        ],
      },
      expect.objectContaining({
        schema: 'public',
        table: 'borrowers',
        keyColumns: ['number'],
        salesforceIdColumn: 'sfid',
        delivery: 'api',
      }),
    ]);
    expect(configuration.settings).toMatchObject({
      pollEveryMinutes: 1,
      batchRecords: 10_000,
      pushDeadlineSeconds: 300,
    });
  });

  test('may name the field by which the first load matches', () => {
    const fields = { Name: text('name'), Website: text('website') };
    const { objects } = defineSync({ objects: { Account: { table: 'lenders', fields, matchBy: 'Website' } } });
    expect(objects[0]?.matchBy).toMatchObject({ field: 'Website', column: 'website' });
    expect(objects[0]?.matchBy).toBe(objects[0]?.fields[1]);
  });

  test('may do without the guard against delete storms', () => {
    const { objects } = defineSync({
      objects: { Account: { table: 'lenders', deleteGuard: false, fields: { Name: text('name') } } },
    });
    expect(objects[0]?.deleteGuard).toBeUndefined();
  });

  test('is frozen all through', () => {
    const contact = mappingOf(configuration, 'Contact');
    for (const part of [configuration, configuration.objects, configuration.settings, contact, contact.fields]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(contact.fields.every((field) => Object.isFrozen(field))).toBe(true);
  });

  test('says which fields may be written to Salesforce', () => {
    const fields = outgoingFields(mappingOf(configuration, 'Contact')).map(({ field }) => field);
    expect(fields).toEqual(['Email', 'Score__c', 'AccountId']);
  });

  test('knows no other objects', () => {
    expect(() => mappingOf(configuration, 'Lead')).toThrow(
      new ConfigurationError('UNKNOWN_OBJECT', 'Lead is not in sync.config.ts, which maps Account, Contact.'),
    );
  });
});

describe('faults', () => {
  test('inserts need an external id of their own', () => {
    const fields = { Name: text('name'), Key__c: text('key') };
    const of = (more: object) => faultsOf({ objects: { Account: { table: 'lenders', fields, ...more } } });
    expect(of({ insert: true })).toEqual([expect.stringContaining('insert goes with externalId')]);
    expect(of({ externalId: 'Other__c' })).toEqual([expect.stringContaining('insert goes with externalId')]);
    expect(of({ insert: true, externalId: 'Key__c' })).toEqual([
      expect.stringContaining('is one of the mapped fields'),
    ]);
    expect(of({ insert: true, externalId: 'Id' })).toEqual([expect.stringContaining('is a system field')]);
  });

  test('what one choice needs of another is reported', () => {
    const fields = { Name: text('name', { policy: 'latest' }) };
    const faults = faultsOf({ objects: { Account: { table: 'lenders', deleteRow: 'soft', fields } } });
    expect(faults).toEqual([
      expect.stringContaining("deleteRow 'soft' goes with deletedAt"),
      expect.stringContaining("policy 'latest' needs updatedAt"),
    ]);
  });

  test.each([
    [
      { filter: { where: 'shared', leaving: 'delete' }, deleteRow: 'ignore' },
      "neither deleteRow nor deleteRecord 'ignore'",
    ],
    [{ filter: { where: ' ' } }, 'objects.Account.filter.where'],
    [{ deleteGuard: { percent: 101 } }, 'objects.Account.deleteGuard.percent: Too big'],
    [{ touch: 'name' }, 'objects.Account.touch: column name is used otherwise'],
    [{ touch: 'moved', createdAt: 'moved' }, 'objects.Account.createdAt: column moved is used otherwise'],
    [{ lockVersion: 'name' }, 'objects.Account.lockVersion: column name is used otherwise'],
    [{ filter: { where: 'true', values: { name: 'x' } } }, 'objects.Account.filter.values.name: is filled already'],
    [{ onInsert: { name: 'x' } }, 'objects.Account.onInsert.name: is filled already'],
    [{ onInsert: { id: 7 } }, 'objects.Account.onInsert.id: is the key'],
    [{ onInsert: { kind: { sql: ' ' } } }, 'objects.Account.onInsert.kind.sql: Too small'],
    [{ deleteGuard: true }, 'objects.Account.deleteGuard: must be false, or { percent'],
    [{ deleteGuard: { atLeast: 9, atMost: 8 } }, 'atLeast (is 9) is more than atMost (is 8)'],
  ])('%j', (options, fault) => {
    const fields = { Name: text('name') };
    expect(faultsOf({ objects: { Account: { table: 'lenders', ...options, fields } } })).toEqual([
      expect.stringContaining(fault),
    ]);
  });

  test('are reported all at once, each with its place, what was seen and what is allowed', () => {
    const faults = faultsOf({
      settings: { pollEveryMinutes: 0, batchRecords: 50_000 },
      objects: {
        Account: { table: 'a.b.c', fields: { Name: text('name') } },
        Contact: {
          table: 'people',
          fields: {
            Id: text('sfid'),
            FirstName: text('name'),
            LastName: text('name'),
            OwnerId: reference('owner_id', 'User'),
            AccountId: { column: 'account_id', type: 'reference' },
            Tags__c: { ...multipicklist('tags'), references: 'Account' },
          },
        },
        Lead: { table: 'public.people', fields: {} },
      },
    });
    expect(faults).toEqual([
      'objects.Account.table: is no name of a table, such as lenders, crm.lenders or "App"."Loan"; where the name has dots or quotes in it, name its schema by itself: { schema: \'public\', table: \'a.b\' } (is "a.b.c")',
      'settings.pollEveryMinutes: Too small: expected number to be >=1 (is 0)',
      'settings.batchRecords: Too big: expected number to be <=10000 (is 50000)',
      'objects.Contact: column name is used twice; give each field a column of its own',
      'objects.Contact.fields.Id: is a system field, which sfsync reads by itself; remove it',
      'objects.Contact.fields.OwnerId: points to User, which is not one of the objects; map it, or map the lookup as text',
      'objects.Contact.fields.AccountId: a reference names the object it points to',
      'objects.Contact.fields.Tags__c: only a reference has `references`',
      'objects.Lead.fields: map at least one field',
      "objects: Contact and Lead have table public.people, and a row of one might be the other's, too; give each filter.values with one column in which they differ, such as { type: 'Contact' } and { type: 'Lead' }",
      "objects: Contact and Lead have table public.people and one column salesforce_id for ids; a row that becomes the other's would carry the id of a record that it is not; give each a salesforceId column of its own",
    ]);
  });

  test.for([
    ['a column without a name', { Name: text('') }, 'column: is empty'],
    ['a column of 64 bytes', { Name: text('ü'.repeat(32)) }, 'column: has 64 bytes'],
    ['an unknown type', { Name: { column: 'name', type: 'money' } }, 'type'],
    ['an unknown direction', { Name: text('name', { direction: 'up' as 'both' }) }, 'direction'],
    ['an unknown policy', { Name: boolean('name', { policy: 'latest' as 'postgres' }) }, 'policy'],
    ['an unknown member', { Name: { ...text('name'), colum: 'x' } }, 'Unrecognized key: "colum"'],
    ['a name that is no API name', { 'Na me': text('name') }, 'Na me'],
    ['the key column as a field', { Name: text('id') }, 'column id is used twice'],
    ['the id column as a field', { Name: text('salesforce_id') }, 'column salesforce_id is used twice'],
  ] as const)('%s', ([, fields, expected]) => {
    const [fault, ...others] = faultsOf({ objects: { Account: { table: 'lenders', fields } } });
    expect(others).toEqual([]);
    expect(fault).toContain(expected);
  });

  test.for([
    ['Email', 'is not one of the mapped fields'],
    ['AccountId', 'is a reference, which cannot distinguish records'],
    ['DoNotCall', 'is a boolean, which cannot distinguish records'],
    ['e-mail', 'must be the API name'],
  ] as const)('%s as the field to match by', ([matchBy, expected]) => {
    const fields = { AccountId: reference('lender_id', 'Account'), DoNotCall: boolean('do_not_call') };
    const [fault, ...others] = faultsOf({
      objects: {
        Account: { table: 'lenders', fields: { Name: text('name') } },
        Contact: { table: 'b', fields, matchBy },
      },
    });
    expect(others).toEqual([]);
    expect(fault).toContain('objects.Contact.matchBy');
    expect(fault).toContain(expected);
  });

  test('an empty configuration maps nothing', () => {
    expect(faultsOf({ objects: {} })).toEqual(['objects: name at least one']);
  });
});

describe('what stands between a field and its column', () => {
  const account = (fields: unknown, more = {}) => ({ objects: { Account: { table: 'a', fields, ...more } } });

  test('makes the type of the field', () => {
    const [account] = defineSync({
      objects: { Account: { table: 'a', fields: { Stage__c: picklist('stage', { values: { Open: 0, Won: 3 } }) } } },
    }).objects;
    const [field] = account?.fields ?? [];
    expect(field).not.toHaveProperty('values');
    expect(field?.type.toPostgres('Won', undefined)).toBe('3');
  });

  test('has all its faults told at once', () => {
    const fields = {
      A: picklist('a', { values: { x: 0, y: 0 } }),
      B: number('b', { values: { one: 1 } }),
      C: text('c', { convert: { toPostgres: (value) => value, toSalesforce: () => 'z', samples: { x: 'x' } } }),
      D: { column: 'd', type: 'date', values: { x: 1 } },
      E: { column: 'e', type: 'text', convert: { toPostgres: 1, toSalesforce: String, samples: {} } },
    };
    expect(faultsOf(account({ A: fields.A, B: fields.B, C: fields.C, D: fields.D }))).toEqual([
      "objects.Account.fields.A.values: 'x' and 'y' have the same code, so which of them a row means is not known; give each one of its own, or give the field the direction to-postgres",
      "objects.Account.fields.B.values: names 'one', which is no number; correct it",
      "objects.Account.fields.C.convert: toSalesforce answers 'z' for 'x', of the sample 'x'; it has to lead back",
      'objects.Account.fields.D.values: goes with picklist, text, number and boolean, and the field is a date; remove it',
    ]);
    expect(faultsOf(account({ E: fields.E }))).toEqual([
      'objects.Account.fields.E.convert.toPostgres: must be a function (is 1)',
    ]);
  });

  test('has had another name of its own, which nothing else has', () => {
    const at = 'objects.Account.fields';
    const right = account({ A: text('a', { formerly: 'Old__c' }) }) as SyncDefinition;
    expect(() => defineSync(right)).not.toThrow();
    expect(faultsOf(account({ A: text('a', { formerly: 'A' }) }))).toEqual([
      expect.stringContaining(`${at}.A.formerly: is the name of the field itself`),
    ]);
    expect(faultsOf(account({ A: text('a', { formerly: 'B' }), B: text('b') }))).toEqual([
      expect.stringContaining(`${at}.A.formerly: B is still mapped`),
    ]);
    expect(faultsOf(account({ A: text('a', { formerly: 'Old__c' }), B: text('b', { formerly: 'Old__c' }) }))).toEqual([
      expect.stringContaining(`${at}.B.formerly: A names Old__c, too`),
    ]);
    expect(faultsOf(account({ A: text('a', { formerly: 'Old__c' }) }, { matchBy: 'A' }))).toEqual([
      expect.stringContaining(`${at}.A.formerly: records are matched by the field`),
    ]);
  });

  test('is one or the other, and finds no row by a value', () => {
    const convert = { toPostgres: String, toSalesforce: String, samples: { x: 'x' } };
    expect(faultsOf(account({ A: { column: 'a', type: 'text', values: { x: 1 }, convert } }))).toEqual([
      'objects.Account.fields.A: has values and convert; keep one of them',
    ]);
    expect(faultsOf(account({ A: text('a', { values: { x: 1 } }) }, { matchBy: 'A' }))).toEqual([
      'objects.Account.matchBy (is "A"): has values, which the database does not know, so it finds no row by a value; name a field without',
    ]);
  });

  test('is typed', () => {
    // @ts-expect-error A function answers a text.
    text('a', { convert: { toPostgres: (value) => value.length, toSalesforce: String, samples: { x: '1' } } });
    // @ts-expect-error A checkbox is a boolean.
    boolean('a', { convert: { toPostgres: (value: string) => value, toSalesforce: Boolean, samples: { true: 'x' } } });
    // @ts-expect-error A set has no codes.
    multipicklist('a', { values: { x: 1 } });
    // @ts-expect-error One of them.
    text('a', { values: { x: 1 }, convert: { toPostgres: String, toSalesforce: String, samples: { x: 'x' } } });
  });
});
