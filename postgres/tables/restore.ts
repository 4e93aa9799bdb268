/** Rows that come back: a mark that is taken away, or a row that is inserted under its former key. */
import pg from 'pg';
import { RAISE } from '../../core/agreement/written.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import { RowIgnoredError } from '../session/server-errors.ts';
import { keyDocument, keyDocuments, keyOf, sameKey } from './key-columns.ts';
import { moment, newRowColumns, touches } from './own-columns.ts';
import { columnsOf, rowsOf, tableOf, updateRows } from './rows.ts';
import { sharedValues } from './shared-columns.ts';
import { tableColumns } from './table-columns.ts';

const name = pg.escapeIdentifier;

export interface RowRestore {
  readonly salesforceId: string;
  readonly key: string;
  readonly fields: FieldValues;
}

/** `deleteRow: 'soft'`: the row stays, and its column says since when it counts as gone. */
export async function markDeleted(
  session: Session,
  mapping: ObjectMapping,
  column: string,
  keys: readonly string[],
): Promise<void> {
  const now = moment((await tableColumns(session, mapping)).types.get(column), mapping);
  const set = [`${name(column)} = ${now}`, ...(await touches(session, mapping))];
  const { rowCount } = await query(
    session,
    `update ${rowsOf(mapping)} t set ${set.join(', ')}
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x where ${sameKey(mapping, 't', 'x')}`,
    [keyDocuments(mapping, keys)],
  );
  if (rowCount !== keys.length) throw new RowIgnoredError(tableOf(mapping), 'mark');
}

/** Brings marked rows back. Answers those that are not there any more, so that they have to be inserted. */
export async function unmarkDeleted(
  session: Session,
  mapping: ObjectMapping,
  column: string,
  restores: readonly RowRestore[],
): Promise<readonly RowRestore[]> {
  const set = [`${name(column)} = null`, ...(await touches(session, mapping))];
  const { rows } = await query<{ key: string }>(
    session,
    `update ${rowsOf(mapping)} t set ${set.join(', ')}
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x where ${sameKey(mapping, 't', 'x')}
     returning ${keyOf(mapping, 't')} as key`,
    [
      keyDocuments(
        mapping,
        restores.map(({ key }) => key),
      ),
    ],
  );
  const back = new Set(rows.map((row) => row.key));
  await updateRows(
    session,
    mapping,
    restores.filter((restore) => back.has(restore.key)),
  );
  return restores.filter((restore) => !back.has(restore.key));
}

/** Inserts rows under their keys: what was kept of each, by Salesforce id, with the mapped columns as given. */
export async function reinsertRows(
  session: Session,
  mapping: ObjectMapping,
  restores: readonly RowRestore[],
  kept: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Promise<void> {
  const writable = await writableColumns(session, mapping);
  const { shapes } = await tableColumns(session, mapping);
  const own = await newRowColumns(session, mapping, restores.length);
  for (const [i, { salesforceId, key, fields }] of restores.entries()) {
    const ids = { ...keyDocument(mapping, key), [mapping.salesforceIdColumn]: salesforceId };
    // What Postgres owns comes from what was kept, where there is something.
    const row = {
      ...columnsOf(mapping, fields, shapes),
      ...own[i],
      ...kept.get(salesforceId),
      ...sharedValues(mapping, taken(mapping, fields)),
      ...touched(mapping, own[i], kept.get(salesforceId)),
      ...ids,
      // A field may be part of the key.
      ...columnsOf(mapping, taken(mapping, fields), shapes),
    };
    const columns = Object.keys(row)
      .filter((column) => writable.has(column))
      .map(name)
      .join(', ');
    const { rowCount } = await query(
      session,
      `insert into ${tableOf(mapping)} (${columns}) overriding system value
       select ${columns} from jsonb_populate_record(null::${tableOf(mapping)}, $1::jsonb)`,
      [JSON.stringify(row)],
    );
    if (rowCount !== 1) throw new RowIgnoredError(tableOf(mapping), 'insert');
  }
}

/** It is changed by coming back, and made no second time: what an application has read before is older. */
function touched(
  { touchColumn, lockVersionColumn }: ObjectMapping,
  own: Readonly<Record<string, unknown>> = {},
  before: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    ...(touchColumn !== undefined && { [touchColumn]: own[touchColumn] }),
    ...(lockVersionColumn !== undefined && { [lockVersionColumn]: Number(before[lockVersionColumn] ?? 0) + RAISE }),
  };
}

/** The values that a row takes from Salesforce. */
function taken(mapping: ObjectMapping, fields: FieldValues): FieldValues {
  const owned = new Set(
    mapping.fields.filter(({ direction }) => direction === 'to-salesforce').map(({ field }) => field),
  );
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !owned.has(field)));
}

/** A tombstone may hold columns that are generated, or that no longer exist. */
async function writableColumns(session: Session, mapping: ObjectMapping): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ column: string }>(
    session,
    `select attname as column from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [tableOf(mapping)],
  );
  return new Set(rows.map(({ column }) => column));
}
