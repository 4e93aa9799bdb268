/**
 * Values of x that one of the sides cannot hold as the other does. The column puts a point at the end of each, Salesforce a
 * tilde at the end of each that it is sent.
 */
import type { ObjectMapping } from '../../../../../core/mapping/configuration.ts';
import { FIELD_TYPES } from '../../../../../core/mapping/field-types/field-types.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';

export type Rounds = 'the column' | 'Salesforce' | undefined;

/** What the column makes of a value. */
export function inColumn(rounds: Rounds, field: string, value: string): string {
  return rounds === 'the column' && field === 'x' && !value.endsWith('.') ? `${value}.` : value;
}

/** What Salesforce makes of a value that it is sent. */
export function inSalesforce(rounds: Rounds, field: string, value: string): string {
  return rounds === 'Salesforce' && field === 'x' && !value.endsWith('~') ? `${value}~` : value;
}

/** Whether the values of both sides count as equal. */
export function isEqual(rounds: Rounds, field: string, inOrg: string, inRow: string): boolean {
  return inOrg === inRow || inRow === inColumn(rounds, field, inOrg) || inOrg === inSalesforce(rounds, field, inRow);
}

/** As the step hands it to the rules: it has asked the column. */
export function weighed(rounds: Rounds, version: SalesforceVersion): SalesforceVersion {
  const x = String(version.fields.x);
  const held = inColumn(rounds, 'x', x);
  return held === x ? version : { ...version, inColumns: { x: held } };
}

export function withRounding(mapping: ObjectMapping): ObjectMapping {
  const isStoredAs = (given: string, stored: string) => stored === inSalesforce('Salesforce', 'x', given);
  const type = { ...FIELD_TYPES.text, isStoredAs };
  return { ...mapping, fields: mapping.fields.map((each) => (each.field === 'x' ? { ...each, type } : each)) };
}
