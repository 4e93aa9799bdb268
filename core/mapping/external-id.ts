/** The key of a row as the external id of its record. */

/** The most characters of an external id (Object Reference, custom fields of type text). */
const MOST_CHARACTERS = 255;
// A request has to be well-formed Unicode, and XML, in which SOAP holds it, has no other control characters. A carriage return
// before a line feed counts as one with it (canonical.ts), which is the key of another row.
const IMPOSSIBLE = /[^\P{Cc}\t\n\u0085]|\p{Cs}/u;

/** Why Salesforce cannot have the key as an external id; undefined: it can. */
export function externalIdFault(key: string): string | undefined {
  if (key.length > MOST_CHARACTERS) return `has more than ${MOST_CHARACTERS} characters`;
  return IMPOSSIBLE.test(key) ? 'has a control character' : undefined;
}
