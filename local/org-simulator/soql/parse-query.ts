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

function parse(soql: string): Query {
  try {
    return parseQuery(soql);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const found = /found(?: -->|:) '([^']*)'/.exec(text)?.[1] ?? /found: (\S+)/.exec(text)?.[1] ?? '';
    throw malformedQuery(`unexpected token: '${found === '' ? '<EOF>' : found}'`);
  }
}
