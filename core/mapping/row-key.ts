/**
 * The key of a row as one text: what the ledger, the queues and the external id of a record hold. A key of one column is the text of
 * that column as it stands. One of several columns is their texts with a slash between each two, in the order of the configuration; a
 * slash or a tilde inside a text is written `~1` or `~0`, as in a JSON Pointer (RFC 6901). No two keys have the same text, and none of
 * its marks are letters, which an external id may take without regard to case.
 */

const BETWEEN = '/';

/** The text of the key whose columns have these texts. */
export function keyText(parts: readonly string[]): string {
  if (parts.length === 1) return parts[0] ?? '';
  return parts.map((part) => part.replaceAll('~', '~0').replaceAll(BETWEEN, '~1')).join(BETWEEN);
}

/** The texts of so many columns; undefined: the text is none of a key of so many. */
export function keyParts(key: string, columns: number): readonly string[] | undefined {
  if (columns === 1) return [key];
  const parts = key.split(BETWEEN);
  if (parts.length !== columns || parts.some((part) => /~(?![01])/.test(part))) return undefined;
  return parts.map((part) => part.replaceAll('~1', BETWEEN).replaceAll('~0', '~'));
}
