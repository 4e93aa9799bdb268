import { expect } from 'vitest';
import { RejectedRecordError } from '../../../../core/errors.ts';
import { type CanonicalValue, fromPostgres, fromSalesforce } from '../../../../core/mapping/canonical.ts';
import type { FieldType } from '../../../../core/mapping/field-types/field-type.ts';

/** All spellings of Salesforce have this canonical value. */
export function expectFromSalesforce(type: FieldType, canonical: CanonicalValue, spellings: readonly unknown[]): void {
  const read = spellings.map((spelling) => fromSalesforce(type, spelling, 'F'));
  expect(read).toEqual(spellings.map(() => canonical));
}

/** All texts of a column have this canonical value. */
export function expectFromPostgres(
  type: FieldType,
  canonical: CanonicalValue,
  texts: readonly (string | null)[],
): void {
  expect(texts.map((text) => fromPostgres(type, text, 'F'))).toEqual(texts.map(() => canonical));
}

/** The value is rejected by its field, and the message does not hold it. */
export function expectRejected(type: FieldType, value: unknown): void {
  const error = rejectionOf(() => fromSalesforce(type, value, 'Field__c'));
  expect(error).toMatchObject({ name: 'RejectedRecordError', code: 'UNREADABLE_VALUE', field: 'Field__c' });
  expect(error.message).toBe(`The value of Field__c is no ${type.name}.`);
}

function rejectionOf(run: () => unknown): RejectedRecordError {
  try {
    run();
  } catch (error) {
    if (error instanceof RejectedRecordError) return error;
    throw error;
  }
  throw new Error('the value was taken');
}
