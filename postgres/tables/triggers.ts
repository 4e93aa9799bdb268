/**
 * What the application's triggers make of our writes, and which rows our writes bring into the row filter or out of it.
 * The streamer does not see it, for the whole transaction is ours; so a row that is not what the merge made of it
 * becomes due, and Salesforce gets the trigger's value.
 */

import type { Link, RowVersion } from '../../core/agreement/link.ts';
import { withWaiting } from '../../core/agreement/link.ts';
import { isSameValue } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { storedFields } from '../../core/mapping/lookups.ts';
import { query, type Session } from '../session/connection.ts';
import { lockRows, tableOf } from './rows.ts';

export interface WrittenRow {
  readonly kind: string;
  readonly link: Link;
  /** The row as the merge left it. */
  readonly after: RowVersion | undefined;
}

/**
 * Salesforce ids of the rows in which a trigger has changed a mapped column, or that have crossed the border of the row
 * filter. Asks nothing of tables that have neither.
 */
export async function writtenByTriggers(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  written: readonly WrittenRow[],
): Promise<ReadonlySet<string>> {
  if (written.length === 0) return new Set();
  const triggers = await hasTriggers(session, mapping);
  const fills = fillsFields(mapping);
  if (!triggers && !fills && mapping.filter === undefined) return new Set();
  const keys = written.flatMap(({ link }) => link.rowKey ?? []);
  const rows = new Map((await lockRows(session, configuration, mapping, { keys })).map((row) => [row.key, row]));
  const changed = written.filter(({ kind, link, after }) => {
    const row = link.rowKey === undefined ? undefined : withWaiting(link, rows.get(link.rowKey));
    if (row === undefined) return false;
    const crossed = kind === 'update' && row.outside !== after?.outside;
    return crossed || ((triggers || fills) && mapping.fields.some((field) => differs(field, kind, row, after)));
  });
  return new Set(changed.map(({ link }) => link.salesforceId));
}

function differs(
  { field, direction }: FieldMapping,
  kind: string,
  row: RowVersion,
  after: RowVersion | undefined,
): boolean {
  const [is, wanted] = [row.fields[field], after?.fields[field]];
  if (direction === 'to-postgres' || wanted === undefined || isSameValue(is, wanted)) return false;
  // What Postgres owns is not written into a new row, where it is null unless the table says otherwise.
  return direction === 'both' || kind === 'update' || (kind !== 'update' && is !== null);
}

/** New rows get values in columns of fields that Salesforce gets from the row. */
function fillsFields(mapping: ObjectMapping): boolean {
  const { createdAtColumn, onInsert, filter } = mapping;
  const given = Object.keys(filter?.values ?? {});
  const filled = new Set([createdAtColumn, ...given, ...onInsert.map(({ column }) => column)]);
  return storedFields(mapping).some(({ column }) => filled.has(column));
}

async function hasTriggers(session: Session, mapping: ObjectMapping): Promise<boolean> {
  const { rows } = await query<{ has: boolean }>(
    session,
    'select exists (select from pg_trigger where tgrelid = $1::regclass and not tgisinternal) as has',
    [tableOf(mapping)],
  );
  return rows[0]?.has === true;
}
