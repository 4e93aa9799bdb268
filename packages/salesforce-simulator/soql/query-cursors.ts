import { nthId } from '../records/record-id.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { QueryResult } from './run-query.ts';

/** Salesforce keeps a cursor for two days; here the oldest go when there are more than this. */
const MAX_CURSORS = 500;

/** Open query results. A locator reads the same page as often as it is asked for, whatever is written in between. */
export class QueryCursors {
  readonly #results = new Map<string, QueryResult>();
  #next = 1;

  /** Keeps a result and answers its cursor id (`01g...`). */
  open(result: QueryResult): string {
    const id = nthId('01g', this.#next++);
    this.#results.set(id, result);
    const [oldest] = this.#results.keys();
    if (this.#results.size > MAX_CURSORS && oldest !== undefined) this.#results.delete(oldest);
    return id;
  }

  /** The result and position behind a locator (`01g...-2000`). Throws INVALID_QUERY_LOCATOR. */
  find(locator: string): { readonly id: string; readonly result: QueryResult; readonly position: number } {
    const match = /^(01g\w{12,15})-(\d+)$/.exec(locator);
    const id = match?.[1] ?? '';
    const result = this.#results.get(id);
    if (result === undefined) throw new SalesforceError('INVALID_QUERY_LOCATOR', 'invalid query locator');
    return { id, result, position: Number(match?.[2]) };
  }
}
