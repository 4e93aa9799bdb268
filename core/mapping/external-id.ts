/** The key of a row as the external id of its record. */
import { trimmed } from './canonical.ts';

/** The most characters of an external id (Object Reference, custom fields of type text). */
const MOST_CHARACTERS = 255;
// A request has to be well-formed Unicode, and XML, in which SOAP holds it, has no other control characters. A carriage return
// before a line feed counts as one with it (canonical.ts), which is the key of another row.
const IMPOSSIBLE = /[^\P{Cc}\t\n\u0085]|\p{Cs}/u;

/** Why Salesforce cannot have the key as an external id; undefined: it can. */
export function externalIdFault(key: string): string | undefined {
  if (key.length > MOST_CHARACTERS) return `has more than ${MOST_CHARACTERS} characters`;
  if (key === '') return 'is empty';
  // It would be the key of the row that has it without.
  if (trimmed(key) !== key) return 'has white space at its ends, which Salesforce cuts off';
  return IMPOSSIBLE.test(key) ? 'has a control character' : undefined;
}

/**
 * Equal for keys that Salesforce may take for one. By a unique external id that is not marked as case sensitive it finds records
 * without regard to case (SOAP API Developer Guide, upsert()), and how it folds letters beyond that is not documented: also equal are
 * keys that differ in accents, width or ligatures.
 */
export function alikeKey(key: string): string {
  const plain = key.normalize('NFKD').replace(/\p{M}/gu, '');
  // Twice, for some letters have several small forms.
  return plain.toUpperCase().toLowerCase();
}
