/** Texts in a query (SOQL and SOSL Reference, "Quoted String Escape Sequences"). */

const SEQUENCES: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** What ends a literal or a line, and what no query is sure to bear as it stands: control characters, line and paragraph separators. */
const ESCAPED = /['\\\p{Cc}\u2028\u2029]/gu;

/** The text as a literal, in its quotes. Not for LIKE, where `%` and `_` mean something. */
export function soqlText(text: string): string {
  const sequence = (found: string) =>
    SEQUENCES[found] ?? `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  return `'${text.replace(ESCAPED, sequence)}'`;
}
