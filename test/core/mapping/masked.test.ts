import { expect, test } from 'vitest';
import { defineSync, mappingOf, number, text } from '../../../core/mapping/configuration.ts';
import { maskedFields } from '../../../core/mapping/masked.ts';

const fields = { Secret__c: text('secret'), Amount: number('amount') };
const mapping = mappingOf(defineSync({ objects: { Thing: { table: 'things', fields } } }), 'Thing');
const isMasked = (value: string) => maskedFields(mapping, { Secret__c: value, Amount: '1' }).length > 0;

test.for(['*', '****', '********1234', 'XXXX1234', 'XXX-XX-1234', '****-****-****-1234', '** ** ** 56 C'])(
  '%j may be a mask',
  (value) => {
    expect(isMasked(value)).toBe(true);
  },
);

test.for(['Xu', 'Xena', 'Xerox Corporation', '5 * 4', 'a ****1234', '****1234 of 2026', 'EXTRA', '-', '1234'])(
  '%j is none',
  (value) => {
    expect(isMasked(value)).toBe(false);
  },
);
