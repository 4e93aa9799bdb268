const SUFFIX_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const ID_15 = /^[0-9A-Za-z]{15}$/;
const ID_18 = /^[0-9A-Za-z]{15}[0-5A-Z]{3}$/;

/** Whether the text is the 18-character form of an id: one that Salesforce would take in a query. */
export function isId18(id: string): boolean {
  return id.length === 18 && toId18(id.slice(0, 15)) === id;
}

/**
 * The 18-character form of a Salesforce id. The 15-character form is case-sensitive; each of the three suffix characters
 * says which of five characters are upper case, so that the 18-character form is safe where case is not kept.
 * Answers undefined when the text is no id.
 */
export function toId18(id: string): string | undefined {
  if (ID_18.test(id)) return id;
  if (!ID_15.test(id)) return undefined;
  let suffix = '';
  for (let chunk = 0; chunk < 3; chunk++) {
    let bits = 0;
    for (let i = 0; i < 5; i++) if (/[A-Z]/.test(id.charAt(chunk * 5 + i))) bits |= 1 << i;
    suffix += SUFFIX_ALPHABET.charAt(bits);
  }
  return id + suffix;
}
