import { expect, test } from 'vitest';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';
import { unnamedTargets } from '../../../core/mapping/lookup-drift.ts';

const NAMED = { fields: { Name: text('name') } };
const configuration = defineSync({
  objects: {
    Account: { table: 'lenders', ...NAMED },
    Contact: { table: 'borrowers', fields: { LastName: text('name') } },
    Opportunity: { table: 'loans', ...NAMED },
    Task: {
      table: 'tasks',
      fields: {
        WhatId: reference({ type: 'what_type', key: 'what_id' }, { Account: 'Lender' }),
        WhoId: reference('borrower_id', 'Contact'),
      },
    },
  },
});
const field = (name: string, ...referenceTo: string[]): DescribedField => ({
  ...{ name, type: 'reference', length: 18, scale: 0, referenceTo, nillable: true, createable: true },
  ...{ updateable: true, defaultedOnCreate: false },
});
const told = (...fields: readonly DescribedField[]) =>
  unnamedTargets(
    mappingOf(configuration, 'Task'),
    { queryable: true, updateable: true, deletable: true, fields },
    configuration.objects.map(({ object }) => object),
  ).map(({ kind, text: line }) => `${kind} ${line}`);

test('an object that is mapped and not named is told, others are not', () => {
  expect(told(field('WhatId', 'Account', 'Opportunity', 'Case'))).toEqual([
    'risky Task.WhatId: may point to Opportunity, too, and its columns are empty then; name what is mapped',
  ]);
  expect(told(field('WhatId', 'Account', 'Case'))).toEqual([]);
});

test('a lookup that names one object means that one', () => {
  expect(told(field('WhoId', 'Contact', 'Account'))).toEqual([]);
});
