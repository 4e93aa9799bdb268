/**
 * Masks. Of an encrypted text (`encryptedstring`) a user without the permission "View Encrypted Data" reads a mask: `*` or `X` in the place
 * of all characters, or of all but the last four, beside blanks and hyphens (Salesforce Help, custom field attributes, mask type).
 */

import type { FieldValues } from './canonical.ts';
import type { ObjectMapping } from './configuration.ts';

const MASK = /^[*X][*X\s-]*(?:[^*]{4})?$/u;

/** Texts that may be masks. Whether they are, only Salesforce knows: a type check shows it. */
export function maskedFields({ fields }: ObjectMapping, values: FieldValues): readonly string[] {
  return fields.flatMap(({ field, type }) => {
    const value = values[field];
    return type.name === 'text' && typeof value === 'string' && MASK.test(value) ? [field] : [];
  });
}
