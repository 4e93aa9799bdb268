/** Lookups to several objects: how they are written in sync.config.ts, and what the texts of their columns say. */
import { describe, expect, test } from 'vitest';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';
import { lookupsOf, pointerIn, storedFields, targetsOf } from '../../../core/mapping/lookups.ts';
import { typeDrift } from '../../../core/mapping/type-check.ts';

type WhatId = ReturnType<typeof reference>;
const accounts = { Account: { table: 'lenders', fields: { Name: text('name') } } };
const loans = { Opportunity: { table: 'loans', fields: { Name: text('title') } } };

function tasks(WhatId: WhatId) {
  const Task = { table: 'tasks', fields: { Subject: text('title'), WhatId } };
  return mappingOf(defineSync({ objects: { ...accounts, ...loans, Task } }), 'Task');
}

function faultsOf(WhatId: WhatId): string {
  try {
    tasks(WhatId);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

const TYPED = reference({ type: 'subject_type', key: 'subject_id' }, { Account: 'Lender', Opportunity: 'Loan' });
const APART = reference({ Account: 'lender_id', Opportunity: 'loan_id' });

describe('with a column for the type and one for the key', () => {
  const mapping = tasks(TYPED);
  const lookup = mapping.fields[1] ?? expect.unreachable('it is mapped');
  test('each parent sees a lookup of its own', () => {
    expect(targetsOf(lookup)).toEqual(['Account', 'Opportunity']);
    expect(lookupsOf(mapping)).toMatchObject([
      { references: 'Account', column: 'subject_id', ofType: { column: 'subject_type', value: 'Lender' }, beside: [] },
      { references: 'Opportunity', column: 'subject_id', ofType: { column: 'subject_type', value: 'Loan' } },
    ]);
  });
  test('each column gets its part of the value', () => {
    const parts = storedFields(mapping).filter(({ field }) => field === 'WhatId');
    expect(parts.map(({ column, type }) => [column, type.toPostgres('Opportunity:a:b', undefined)])).toEqual([
      ['subject_type', 'Loan'],
      ['subject_id', 'a:b'],
    ]);
  });
  test.for([
    [['Lender', '1'], { object: 'Account', key: '1' }],
    [[null, null], undefined],
    [['Lender', null], undefined],
    [['Invoice', '1'], 'unknown'],
    [[null, '1'], 'unknown'],
  ] as const)('%j names %j', ([texts, named]) => {
    expect(pointerIn(lookup.targets ?? [], texts)).toEqual(named);
  });
});

describe('with a column for each object', () => {
  const mapping = tasks(APART);
  const lookup = mapping.fields[1] ?? expect.unreachable('it is mapped');
  test('each column gets the key of its object, and null for others', () => {
    expect(lookupsOf(mapping)).toMatchObject([{ beside: ['loan_id'] }, { beside: ['lender_id'] }]);
    const parts = storedFields(mapping).filter(({ field }) => field === 'WhatId');
    expect(parts.map(({ column, type }) => [column, type.toPostgres('Opportunity:5', undefined)])).toEqual([
      ['lender_id', null],
      ['loan_id', '5'],
    ]);
  });
  test.for([
    [['1', null], { object: 'Account', key: '1' }],
    [[null, '2'], { object: 'Opportunity', key: '2' }],
    [[null, null], undefined],
    [['1', '2'], 'unknown'],
  ] as const)('%j names %j', ([texts, named]) => {
    expect(pointerIn(lookup.targets ?? [], texts)).toEqual(named);
  });
});

test.for([
  [reference({ Account: 'lender_id', Case: 'case_id' }), 'points to Case, which is not one of the objects; map it, or'],
  [reference({ type: 'kind', key: 'key' }, {}), 'points to no object; name one'],
  [reference({ Account: 'title', Opportunity: 'loan_id' }), 'column title is used twice'],
  [
    reference({ type: 'kind', key: 'key' }, { Account: 'Party', Opportunity: 'Party' }),
    'has "Party" for two objects, so a row does not say which it names',
  ],
  [{ ...APART, by: 'Name' }, 'a lookup to several objects goes by their keys; remove `by`'],
  [{ ...APART, references: 'Account' }, 'has references and targets; keep one of them'],
] as const)('%j is refused', ([whatId, fault]) => {
  expect(faultsOf(whatId)).toContain(fault);
});

test('objects to which it does not point in Salesforce are told', () => {
  const found = (referenceTo: string[]) =>
    ({ name: 'WhatId', type: 'reference', referenceTo }) as unknown as DescribedField;
  const lookup = tasks(APART).fields[1] ?? expect.unreachable('it is mapped');
  expect(typeDrift(lookup, found(['Account', 'Opportunity', 'Case']))).toBeUndefined();
  expect(typeDrift(lookup, found(['Account', 'Case']))).toMatchObject({
    kind: 'broken',
    text: 'points to Account, Case in Salesforce and to Opportunity in sync.config.ts; name only those',
  });
});
