/**
 * Records that are new to us and may have a row already, by the field that `matchBy` names. The rule is that of the first
 * load (core/agreement/first-load.ts): a key links only when it leaves no choice. A row that is matched gets the record's id; from
 * there on the two are a pair like any other that carries an id.
 */
import { matchingKey, placeKey } from '../../core/agreement/first-load.ts';
import { InvariantError, RejectedRecordError } from '../../core/errors.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { dropInsertions, lockInsertions, type StoredInsertion } from '../../postgres/ledger/insertions.ts';
import { resolveRejects } from '../../postgres/ledger/rejects.ts';
import { query } from '../../postgres/session/connection.ts';
import { quoteName } from '../../postgres/session/quote.ts';
import { bisect } from '../../postgres/session/savepoint.ts';
import { keyOf } from '../../postgres/tables/key-columns.ts';
import { columnText, readKey } from '../../postgres/tables/matching-key.ts';
import { isOfObject } from '../../postgres/tables/row-filter.ts';
import { lockRows, rowsOf } from '../../postgres/tables/rows.ts';
import { writeIds } from '../../postgres/tables/salesforce-ids.ts';
import type { StepContext } from '../step.ts';

export interface Matched {
  /** Records whose row carries their id now. */
  readonly adopted: readonly string[];
  /** Records for which nothing decides which row is theirs, or whose row may not have their id. */
  readonly refused: ReadonlyMap<string, RejectedRecordError>;
}

const NOTHING: Matched = { adopted: [], refused: new Map() };

/** Finds rows for live records that have neither a row nor a link with one, and gives these rows their ids. */
export async function adoptMatches(context: StepContext, versions: readonly SalesforceVersion[]): Promise<Matched> {
  const { session, mapping } = context;
  const { matchBy } = mapping;
  if (matchBy === undefined) return NOTHING;
  const records = Map.groupBy(versions, ({ fields }) => matchingKey(fields[matchBy.field]));
  records.delete(undefined);
  const keys = [...records.keys()].filter((key) => key !== undefined);
  if (keys.length === 0) return NOTHING;
  const { rows, insertions } = await rowsByKey(context, matchBy, keys);
  const sent = new Set([...insertions].filter(([, { insertion }]) => insertion.push !== undefined).map(([key]) => key));
  const pairs: { salesforceId: string; rowKey: string; key: string }[] = [];
  const refused = new Map<string, RejectedRecordError>();
  for (const key of keys) {
    const ids = (records.get(key) ?? []).map(({ id }) => id);
    const { all, free } = rows.get(key) ?? { all: 0, free: [] };
    const facts = { records: ids.length, freeRecords: ids.length, rows: all, freeRows: free.length };
    const place = placeKey(facts);
    const [salesforceId, rowKey] = [ids[0], free[0]];
    if (place === 'ambiguous') for (const id of ids) refused.set(id, ambiguous(mapping, matchBy, ids.length, all));
    if (place !== 'pair' || salesforceId === undefined || rowKey === undefined) continue;
    if (sent.has(rowKey)) refused.set(salesforceId, beingSent(mapping, matchBy));
    else pairs.push({ salesforceId, rowKey, key });
  }
  await bisect(
    session,
    pairs,
    (part) => writeIds(session, mapping, part),
    ({ salesforceId }, error) => void refused.set(salesforceId, error),
  );
  const adopted = pairs.filter(({ salesforceId }) => !refused.has(salesforceId));
  const rowKeys = adopted.map(({ rowKey }) => rowKey);
  // They are no new rows any more.
  await dropInsertions(
    session,
    rowKeys.flatMap((rowKey) => insertions.get(rowKey)?.insertionId ?? []),
  );
  await resolveRejects(session, { object: mapping.object, rowKeys });
  return { adopted: adopted.map(({ salesforceId }) => salesforceId), refused };
}

/** Whether a record is being made of the row only the settled upsert shows; then the sweep tries this record again. */
function beingSent(mapping: ObjectMapping, { field }: FieldMapping) {
  return new RejectedRecordError(
    'ROW_BEING_SENT',
    `The row of ${spelledTable(mapping)} that has the record's ${field} is just being sent to Salesforce as a new record. The next sweep tries this one again; should there be two records by then, merge them in Salesforce.`,
    field,
  );
}

function ambiguous(mapping: ObjectMapping, { field }: FieldMapping, records: number, rows: number) {
  return new RejectedRecordError(
    'AMBIGUOUS_MATCH',
    `${records} new record(s) and ${rows} row(s) of ${spelledTable(mapping)} have the same ${field}, so nothing decides which row is the record's: write its id into the right row, or make the values differ; then redrive it.`,
    field,
  );
}

interface RowsOfKey {
  readonly all: number;
  /** Keys of those that carry no id and have no link, locked. */
  readonly free: readonly string[];
}

async function rowsByKey(
  { session, configuration, mapping }: StepContext,
  matchBy: FieldMapping,
  keys: readonly string[],
): Promise<{ readonly rows: Map<string, RowsOfKey>; readonly insertions: Map<string, StoredInsertion> }> {
  const [key, id] = [keyOf(mapping, 't'), `t.${quoteName(mapping.salesforceIdColumn)}`];
  const expression = matchBy.type.matching?.(`t.${quoteName(matchBy.column)}`);
  if (expression === undefined)
    throw new InvariantError('NOT_MATCHABLE', `${matchBy.field} cannot distinguish records.`);
  const gone = mapping.deletedAtColumn === undefined ? '' : `and t.${quoteName(mapping.deletedAtColumn)} is null`;
  const { rows } = await query<{ row_key: string; match: string | null; free: boolean }>(
    session,
    `select ${key} as row_key, ${columnText(matchBy)} as match,
            ${id} is null and not exists (select from sfsync.link l where l.object = $2 and l.row_key = ${key}) as free
       from ${rowsOf(mapping)} t where ${expression.value} = any ($1::${expression.type}[]) and ${isOfObject(mapping, 't')} ${gone}`,
    [keys, mapping.object],
  );
  const free = rows.filter((row) => row.free).map((row) => row.row_key);
  const wanted = mapping.externalIdField === undefined ? [] : free;
  const insertions = await lockInsertions(session, configuration, mapping, wanted);
  // One of them may have got an id since, or another value: what counts is how they stand under the lock.
  const locked = await lockRows(session, configuration, mapping, { keys: free });
  const still = new Map(
    locked
      .filter(({ salesforceId }) => salesforceId === undefined)
      .map((row) => [row.key, matchingKey(row.fields[matchBy.field])]),
  );
  const byKey = Map.groupBy(rows, ({ match }) => readKey(matchBy, match));
  const byMatch = new Map(
    keys.map((each): [string, RowsOfKey] => {
      const having = (byKey.get(each) ?? []).map((row) => row.row_key);
      return [each, { all: having.length, free: having.filter((rowKey) => still.get(rowKey) === each) }];
    }),
  );
  return { rows: byMatch, insertions };
}
