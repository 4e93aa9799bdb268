import { parseQuery, type Query } from '@jetstreamapp/soql-parser-js';
import { malformedQuery } from './soql-error.ts';

/** Parses SOQL. Throws MALFORMED_QUERY, also for clauses that this simulator does not evaluate. */
export function parseSoql(soql: string): Query & { sObject: string } {
  if (soql.trim() === '') throw malformedQuery('A query string has to be specified');
  const query = parse(soql);
  if (query.sObject === undefined) throw malformedQuery("unexpected token: '<EOF>'");
  const unsupported = Object.entries({
    'USING SCOPE': query.usingScope,
    'WITH DATA CATEGORY': query.withDataCategory,
    UPDATE: query.update,
  }).find(([, clause]) => clause !== undefined);
  if (unsupported !== undefined) throw malformedQuery(`the org simulator does not evaluate ${unsupported[0]}`);
  return { ...query, sObject: query.sObject };
}

/** Members in which the parser leaves a keyword as it was written; SOQL's keywords have no case. */
const KEYWORDS = new Set(['operator', 'order', 'nulls']);

function withUpperCaseKeywords<T>(node: T): T {
  if (Array.isArray(node)) return node.map(withUpperCaseKeywords) as T;
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.entries(node).map(([name, value]) => {
    return [name, KEYWORDS.has(name) && typeof value === 'string' ? value.toUpperCase() : withUpperCaseKeywords(value)];
  });
  return Object.fromEntries(members) as T;
}

function parse(soql: string): Query {
  try {
    return withUpperCaseKeywords(parseQuery(soql));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const found = /found(?: -->|:) '([^']*)'/.exec(text)?.[1] ?? /found: (\S+)/.exec(text)?.[1] ?? '';
    throw malformedQuery(`unexpected token: '${found === '' ? '<EOF>' : found}'`);
  }
}
