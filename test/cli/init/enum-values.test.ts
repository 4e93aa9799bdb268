import { expect, test } from 'vitest';
import { configurationText } from '../../../cli/init/configuration-text.ts';
import { type EnumValues, enumValues } from '../../../cli/init/enum-values.ts';
import { type ColumnFacts, salesforceIdColumnOf, type TableFacts } from '../../../cli/init/facts.ts';
import { propose } from '../../../cli/init/proposal.ts';
import type { DescribedField } from '../../../core/mapping/described-object.ts';

const column = (name: string, type: string, labels?: readonly string[]): ColumnFacts => ({
  ...{ name, type, kind: labels === undefined ? 'b' : 'e', maxLength: null },
  ...{ notNull: false, hasDefault: false, generated: false, ...(labels && { labels }) },
});

const picklist = (...values: readonly string[]): DescribedField => ({
  ...{ name: 'Status__c', type: 'picklist', length: 255, scale: 0, referenceTo: [] },
  ...{ nillable: true, createable: true, updateable: true, defaultedOnCreate: false },
  picklistValues: values.map((value) => ({ value, active: true })),
});

const table = (...columns: readonly ColumnFacts[]): TableFacts => ({
  ...{ schema: 'public', name: 'Loan', columns, primaryKey: ['id'], uniqueKeys: [['id']], foreignKeys: [] },
});

test.each<[string, readonly string[], readonly string[], EnumValues | undefined]>([
  ['has the labels themselves', ['Open', 'Won'], ['Won', 'Open', 'Lost'], undefined],
  ['is offered nothing', [], ['OPEN'], undefined],
  [
    'has them in other letters',
    ['Under Review', 'Won'],
    ['UNDER_REVIEW', 'won'],
    { values: { 'Under Review': 'UNDER_REVIEW', Won: 'won' }, remark: undefined },
  ],
  [
    'has more, and lacks one',
    ['Open', 'Won', 'Lost'],
    ['OPEN', 'WON', 'DRAFT'],
    {
      values: { Open: 'OPEN', Won: 'WON' },
      remark:
        "no label for 'Lost': such a record is rejected; no value for label 'DRAFT': such a row is not sent; name each label's value in values",
    },
  ],
  [
    'has nothing of it',
    ['Hot'],
    ['A'],
    {
      values: undefined,
      remark:
        "no label for 'Hot': such a record is rejected; no value for label 'A': such a row is not sent; name each label's value in values",
    },
  ],
])('an enum beside a picklist that %s', (_, values, labels, expected) => {
  expect(enumValues(picklist(...values), column('status', 'LoanStatus', labels))).toEqual(expected);
});

test('no label is taken for two values', () => {
  const found = enumValues(picklist('On Hold', 'On-Hold'), column('status', 'LoanStatus', ['ON_HOLD']));
  expect(found?.values).toBeUndefined();
  expect(found?.remark).toContain("no label for 'On Hold', 'On-Hold'");
});

test('its values stand in the configuration', () => {
  const described = {
    ...{ queryable: true, updateable: true, deletable: true },
    fields: [picklist('Under Review', 'Won')],
  };
  const facts = table(column('id', 'text'), column('status', 'LoanStatus', ['UNDER_REVIEW', 'WON']));
  const text = configurationText(propose([{ object: 'Loan__c', described, table: facts }]));
  expect(text).toContain("import { defineSync, picklist } from 'sfsync';");
  expect(text).toContain("Status__c: picklist('status', { values: { 'Under Review': 'UNDER_REVIEW', Won: 'WON' } }),");
});

test.each<[string, readonly string[]]>([
  ['salesforceId', ['id', 'firstName', 'lenderId']],
  ['salesforce_id', ['id', 'first_name', 'lender_id']],
  ['salesforce_id', ['id', 'name']],
  ['SalesforceID', ['id', 'first_name', 'SalesforceID']],
])('the column for the id is called %s beside %j', (expected, names) => {
  expect(salesforceIdColumnOf(table(...names.map((name) => column(name, 'text'))))).toBe(expected);
});
