import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../../core/errors.ts';
import {
  boolean,
  defineSync,
  mappingOf,
  multipicklist,
  number,
  outgoingFields,
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
        keyColumn: 'id',
        salesforceIdColumn: 'salesforce_id',
        updatedAtColumn: undefined,
        touchColumn: undefined,
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
        keyColumn: 'number',
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
      'objects: table public.people is mapped by two objects; a table belongs to one object',
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
