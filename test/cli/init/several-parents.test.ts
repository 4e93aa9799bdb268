import { expect, test } from 'vitest';
import { configurationText } from '../../../cli/init/configuration-text.ts';
import type { ColumnFacts, Pair, TableFacts } from '../../../cli/init/facts.ts';
import { propose } from '../../../cli/init/proposal.ts';
import type { DescribedField, DescribedObject } from '../../../core/mapping/described-object.ts';

function field(name: string, type: string, more: Partial<DescribedField> = {}): DescribedField {
  const writable = { nillable: true, createable: true, updateable: true, defaultedOnCreate: false };
  return { name, type, length: 80, scale: 0, referenceTo: [], ...writable, ...more };
}

function described(...fields: readonly DescribedField[]): DescribedObject {
  const kept = field('IsDeleted', 'boolean', { updateable: false });
  return { queryable: true, updateable: true, deletable: true, fields: [...fields, kept] };
}

function column(name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts {
  return { name, type, kind: 'b', maxLength: null, notNull: false, hasDefault: false, generated: false, ...more };
}

function table(name: string, columns: readonly ColumnFacts[], more: Partial<TableFacts> = {}): TableFacts {
  const id = column('id', 'int8');
  const keys = { primaryKey: ['id'], uniqueKeys: [['id']], foreignKeys: [] };
  return { schema: 'public', name, columns: [id, column('salesforce_id', 'text'), ...columns], ...keys, ...more };
}

const named = (object: string, name: string): Pair => ({
  object,
  described: described(field('Name', 'string')),
  table: table(name, [column('name', 'text')]),
});
const PARENTS = [named('Account', 'lenders'), named('Opportunity', 'loan_applications'), named('Contact', 'people')];

const WHAT = field('WhatId', 'reference', { referenceTo: ['Account', 'Opportunity', 'Case'] });
const WHO = field('WhoId', 'reference', { referenceTo: ['Contact', 'Lead'] });

function textOf(columns: readonly ColumnFacts[], keys: Readonly<Record<string, string>>, ...fields: DescribedField[]) {
  const foreignKeys = Object.entries(keys).map(([each, to]) => ({ column: each, schema: 'public', table: to }));
  const task = { object: 'Task', described: described(...fields), table: table('tasks', columns, { foreignKeys }) };
  return configurationText(propose([task, ...PARENTS]));
}

test('a type and a key of the field’s name, as Rails has them', () => {
  const text = textOf([column('what_type', 'varchar'), column('what_id', 'int8')], {}, WHAT);
  expect(text).toContain(
    "WhatId: reference({ type: 'what_type', key: 'what_id' }, { Account: 'Lender', Opportunity: 'LoanApplication' }), // what_type is taken to hold the names of Rails' classes; empty where it points to Case",
  );
  // Parents come first.
  expect(text.indexOf('Task: {')).toBeGreaterThan(text.indexOf('Opportunity: {'));
});

test('a foreign key for each object', () => {
  const columns = [column('lender_id', 'int8'), column('loan_id', 'int8')];
  const text = textOf(columns, { lender_id: 'lenders', loan_id: 'loan_applications' }, WHAT);
  expect(text).toContain(
    "WhatId: reference({ Account: 'lender_id', Opportunity: 'loan_id' }), // empty where it points to Case",
  );
});

test('one foreign key, to one of the objects', () => {
  const text = textOf([column('person_id', 'int8')], { person_id: 'people' }, WHO);
  expect(text).toContain("WhoId: reference('person_id', 'Contact'), // empty where it points to Lead");
});

test('columns of another name are a question, and so are types that do not fit', () => {
  const columns = [column('subject_type', 'varchar'), column('subject_id', 'int8')];
  const text = textOf(columns, {}, WHAT).replaceAll(/\s+\/\/ /g, ' ');
  expect(text).toContain(
    "WhatId: points to Account, Opportunity, Case; if subject_type and subject_id hold it: reference({ type: 'subject_type', key: 'subject_id' }, { Account: 'Lender', Opportunity: 'LoanApplication' })",
  );
  expect(textOf([column('what_type', 'int4'), column('what_id', 'int8')], {}, WHAT)).toContain(
    'a reference goes into text',
  );
  expect(textOf([column('what_type', 'text'), column('what_id', 'uuid')], {}, WHAT)).not.toContain('reference({');
});

test('two foreign keys to one object say nothing', () => {
  const columns = [column('lender_id', 'int8'), column('former_lender_id', 'int8')];
  const text = textOf(columns, { lender_id: 'lenders', former_lender_id: 'lenders' }, WHAT);
  expect(text).not.toContain('WhatId: reference');
});
