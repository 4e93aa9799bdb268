import { SalesforceError } from '../salesforce-error.ts';

/** A refusal that points at a word of the query, as Salesforce prints it: the line, a caret, the position, the reason. */
export function soqlError(code: string, soql: string, word: string, reason: string): SalesforceError {
  const at = position(soql, word);
  const shown = soql.slice(Math.max(0, at - 40), at + 40).replaceAll('\n', ' ');
  const caret = ' '.repeat(Math.min(at, 40));
  return new SalesforceError(code, `\n${shown}\n${caret}^\nERROR at Row:1:Column:${at + 1}\n${reason}`);
}

function position(soql: string, word: string): number {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return Math.max(0, soql.search(new RegExp(`(?<![\\w.])${escaped}(?!\\w)`, 'i')));
}

export function malformedQuery(reason: string): SalesforceError {
  return new SalesforceError('MALFORMED_QUERY', reason);
}
