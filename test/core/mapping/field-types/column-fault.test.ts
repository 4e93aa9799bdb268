import { expect, test } from 'vitest';
import type { Direction } from '../../../../core/mapping/configuration.ts';
import { columnFault, type FittedColumn } from '../../../../core/mapping/field-types/column-fault.ts';
import { dayIn } from '../../../../core/mapping/field-types/day-in.ts';
import { FIELD_TYPES } from '../../../../core/mapping/field-types/field-types.ts';
import { inZone } from '../../../../core/mapping/field-types/in-zone.ts';

const { text, number, date, datetime, multipicklist, reference } = FIELD_TYPES;
const of = (type: FittedColumn['type'], more: Partial<FittedColumn> = {}): FittedColumn => {
  return { name: 'c', type, kind: 'b', generated: false, ...more };
};
const fault = (
  type: Parameters<typeof columnFault>[0]['type'],
  column: FittedColumn,
  direction: Direction = 'both',
  zone?: string,
) => columnFault({ type, field: 'F__c', direction, zone }, column);

test.for([
  [text, of('citext')],
  [text, of('mood', { kind: 'e' })],
  [multipicklist, of('_mood', { elementKind: 'e' })],
  [datetime, of('timestamp')],
  [inZone('Europe/Berlin'), of('timestamptz')],
  [dayIn('UTC', 'UTC'), of('timestamp')],
  [reference, of('anything')],
] as const)('%j: nothing is wrong', ([type, column]) => {
  expect(fault(type, column)).toBeUndefined();
});

test.for([
  [
    text,
    of('int4'),
    "is of type int4; F__c is mapped as text, which needs text, varchar, bpchar, citext, uuid, an enum; say what it holds for each value: picklist('c', { values: { ... } }), or, if the field in Salesforce is one, map it as number",
  ],
  [number, of('text'), 'map it as text or multipicklist'],
  [number, of('money'), 'make the column numeric'],
  [number, of('bytea'), 'change the type of the column, or remove the field'],
  [date, of('timestamp'), "say in which zone its day counts: date('c', { dayIn: 'UTC' })"],
  [dayIn('UTC', 'UTC'), of('date'), 'remove dayIn'],
  [datetime, of('date'), 'map it as date'],
  [text, of('_mood', { elementKind: 'e' }), 'map it as multipicklist'],
  [
    multipicklist,
    of('mood', { kind: 'e' }),
    'which needs text[], varchar[], citext[], jsonb, json, text, varchar, citext, an array of an enum; ',
  ],
] as const)('what is wrong is said with the change to make: %j', ([type, column, words]) => {
  expect(fault(type, column)).toContain(words);
});

test('what the database makes goes to Salesforce only', () => {
  const [generated, identity] = [of('int4', { generated: true }), of('int4', { identity: true })];
  expect(fault(number, generated)).toBe(
    'is a generated column, which cannot be written; give F__c the direction to-salesforce',
  );
  expect(fault(number, identity, 'to-postgres')).toBe(
    'is an identity column, whose values the database makes; give F__c the direction to-salesforce',
  );
  expect([generated, identity].map((column) => fault(number, column, 'to-salesforce'))).toEqual([undefined, undefined]);
});

test('a zone says nothing of a column that has its own', () => {
  expect(fault(inZone('Europe/Berlin'), of('timestamptz'), 'both', 'Europe/Berlin')).toBe(
    'is of type timestamptz, whose values have a zone of their own; remove zone from F__c',
  );
});
