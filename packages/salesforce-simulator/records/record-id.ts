/**
 * Salesforce record ids: 15 case-sensitive base-62 characters, and 3 more that make them safe to compare without case.
 * Inside the simulator only the 18-character form occurs.
 */

const SUFFIX_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The 18-character form of a 15-character id. The suffix holds one bit per character: is it A-Z? */
export function to18(id15: string): string {
  let suffix = '';
  for (let chunk = 0; chunk < 3; chunk++) {
    let bits = 0;
    for (let i = 0; i < 5; i++) if (/[A-Z]/.test(id15.charAt(chunk * 5 + i))) bits |= 1 << i;
    suffix += SUFFIX_ALPHABET.charAt(bits);
  }
  return id15 + suffix;
}

/** The 18-character form of what a client sent, or undefined when it is no id (wrong length, characters or suffix). */
export function parseId(text: string): string | undefined {
  if (!/^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/.test(text)) return undefined;
  const id = to18(text.slice(0, 15));
  return text.length === 15 || text === id ? id : undefined;
}

/** Name of the pod and the instance in every id of this org: characters 4 to 6. */
const POD = 'Ws0';

/**
 * The n-th id of an object. Ids rise in ASCII order, and neighbours differ only in the case of one letter as soon as an
 * object has more than 36 records: a client that compares ids without case is found out.
 */
export function nthId(keyPrefix: string, n: number): string {
  let digits = '';
  for (let rest = n; digits.length < 9; rest = Math.floor(rest / 62)) digits = BASE62.charAt(rest % 62) + digits;
  return to18(`${keyPrefix}${POD}${digits}`);
}

/** Which one of its object an id is: the `n` that `nthId` made it of. */
export function ordinalOf(id: string): number {
  return [...id.slice(6, 15)].reduce((n, digit) => n * 62 + BASE62.indexOf(digit), 0);
}
