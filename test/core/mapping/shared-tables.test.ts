import { describe, expect, test } from 'vitest';
import { defineSync, mappingOf, type SyncDefinition, text } from '../../../core/mapping/configuration.ts';
import { tableMates } from '../../../core/mapping/shared-tables.ts';

type Options = Partial<SyncDefinition['objects'][string]>;

function people(lead: Options = {}, contact: Options = {}): SyncDefinition {
  const fields = { LastName: text('name') };
  return {
    objects: {
      Lead: { table: 'people', salesforceId: 'lead_id', filter: { values: { type: 'Lead' } }, fields, ...lead },
      Contact: {
        table: 'people',
        salesforceId: 'contact_id',
        filter: { values: { type: 'Contact' } },
        fields,
        ...contact,
      },
      Account: { table: 'companies', fields },
    },
  };
}

function faultsOf(definition: SyncDefinition): string[] {
  try {
    defineSync(definition);
    return [];
  } catch (error) {
    return String((error as Error).message)
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^ {2}- /, ''));
  }
}

describe('two objects have one table', () => {
  test.for([
    ['names of classes', { type: 'Admin::Lead' }, { type: 'Contact' }],
    ['a base class without a type', { type: null }, { type: 'Contact' }],
    ['integers', { kind: 0 }, { kind: 1 }],
    ['a character', { dtype: 'L' }, { dtype: 'C' }],
    ['a boolean', { is_company: true }, { is_company: false }],
    ['subclasses', { type: ['Lead', 'HotLead', null] }, { type: ['Contact', 'Guest'] }],
    ['one of two columns', { type: 'Person', lead: true }, { type: 'Person', lead: false }],
  ] as const)('where %s tell them apart', ([, one, other]) => {
    expect(faultsOf(people({ filter: { values: one } }, { filter: { values: other } }))).toEqual([]);
  });

  test.for([
    ['one has no filter', undefined, { values: { type: 'Contact' } }],
    ['one says it with an expression alone', { where: `type = 'Lead'` }, { values: { type: 'Contact' } }],
    ['they name different columns', { values: { lead: true } }, { values: { type: 'Contact' } }],
    ['they share a value', { values: { type: ['Lead', 'Contact'] } }, { values: { type: 'Contact' } }],
    ['they are the same as texts', { values: { kind: 1 } }, { values: { kind: '1' } }],
    ['both have none', { values: { type: null } }, { values: { type: [null, 'Contact'] } }],
  ] as const)('not where %s', ([, one, other]) => {
    expect(faultsOf(people({ filter: one }, { filter: other }))).toEqual([
      "objects: Lead and Contact have table public.people, and a row of one might be the other's, too; give each filter.values with one column in which they differ, such as { type: 'Lead' } and { type: 'Contact' }",
    ]);
  });

  test('not with one column for the ids of both, nor by different keys', () => {
    expect(faultsOf(people({ salesforceId: 'salesforce_id', key: 'uuid' }, { salesforceId: 'salesforce_id' }))).toEqual(
      [
        'objects: Lead and Contact have table public.people by different keys (uuid; id); name its primary key for both',
        "objects: Lead and Contact have table public.people and one column salesforce_id for ids; a row that becomes the other's would carry the id of a record that it is not; give each a salesforceId column of its own",
      ],
    );
  });

  test.for([
    [{ fields: { Status: text('type') } }, 'fields.Status'],
    [{ fields: { LastName: text('contact_id') } }, 'fields.LastName'],
    [{ touch: 'contact_id' }, 'touch'],
  ] as const)('not where records of one write what says whose a row is: %j', ([options, place]) => {
    expect(faultsOf(people({ filter: { values: { type: 'Lead', kind: 1 } }, ...options } as Options))).toContainEqual(
      expect.stringMatching(
        new RegExp(
          `^objects\\.Lead\\.${place}: column (type|contact_id) says which rows are those of Contact, which has the same table; name another column$`,
        ),
      ),
    );
  });

  test('and a field of the one may go out from the column with the id of the other', () => {
    const fields = { LastName: text('name'), Converted__c: text('contact_id', { direction: 'to-salesforce' }) };
    expect(faultsOf(people({ fields }))).toEqual([]);
  });

  test('a read-only one, too, which has nothing but values', () => {
    const values = { type: 'Lead' };
    expect(faultsOf(people({ direction: 'to-postgres', filter: { values } }))).toEqual([]);
    expect(faultsOf(people({ direction: 'to-postgres', filter: { values, leaving: 'delete' } }))).toEqual([
      'objects.Lead.filter: where and leaving say what goes to Salesforce, and the object is to-postgres; keep values alone, which say what its rows have',
    ]);
  });

  test('each knows the other', () => {
    const { objects } = defineSync(people());
    const mates = (object: string) =>
      tableMates(objects, mappingOf({ objects } as never, object)).map((each) => each.object);
    expect([mates('Lead'), mates('Contact'), mates('Account')]).toEqual([['Contact'], ['Lead'], []]);
  });
});

test('a filter names an expression, values, or both', () => {
  expect(faultsOf(people({ filter: {} as never })).join()).toContain(
    'objects.Lead.filter: says which rows are meant: name where, values, or both',
  );
  expect(faultsOf(people({ filter: { values: { type: [] } } })).join()).toContain('objects.Lead.filter.values.type');
  const { objects } = defineSync(people({ filter: { where: 'shared', values: { type: ['Lead', 'HotLead'] } } }));
  expect(objects[0]?.filter).toEqual({ where: 'shared', leaving: 'ignore', values: { type: ['Lead', 'HotLead'] } });
  expect(objects[1]?.filter).toEqual({ where: 'true', leaving: 'ignore', values: { type: ['Contact'] } });
});
