/**
 * Lookups to parents whose key is of several columns share all of these but the last with their row: the tenant's, mostly. A new row
 * gets them from its parent. A row that is there keeps its own: it would be another tenant's otherwise, so such a record is rejected.
 */
import pg from 'pg';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import { type FieldMapping, lookupColumns, type ObjectMapping } from '../../core/mapping/configuration.ts';
import { keyParts } from '../../core/mapping/row-key.ts';
import { query, type Session } from '../session/connection.ts';
import { RowRefusedError, ServerError } from '../session/server-errors.ts';
import { isKey, keyPartsIn } from './key-columns.ts';
import { rowsOf } from './rows.ts';
import { tableColumns } from './table-columns.ts';

const name = pg.escapeIdentifier;

type Shared = FieldMapping & { readonly shared: readonly string[] };

function sharing({ fields }: ObjectMapping): Shared[] {
  return fields.filter((field): field is Shared => field.shared !== undefined && field.direction !== 'to-salesforce');
}

/** Whether these fields are columns of the key. */
export function changesKey({ keyColumns, fields }: ObjectMapping, changed: FieldValues): boolean {
  return fields.some(({ field, column }) => field in changed && keyColumns.includes(column));
}

/** The columns that new rows get from their parents. */
export function sharedColumns(mapping: ObjectMapping): ReadonlySet<string> {
  const own = new Set(mapping.fields.flatMap((each) => (each.direction === 'to-salesforce' ? [] : each.column)));
  return new Set(sharing(mapping).flatMap(({ shared }) => shared.filter((column) => !own.has(column))));
}

/** Whether the lookups of a row have values that other columns of it must have, too. */
export function sharesColumns(mapping: ObjectMapping, fields: FieldValues): boolean {
  return sharing(mapping).some(({ field }) => typeof fields[field] === 'string');
}

/** What a new row gets from its parents, by column; `fields`: lookups as the parents' keys. Throws where they do not agree. */
export function sharedValues(mapping: ObjectMapping, fields: FieldValues): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { field, column } of mapping.fields) {
    const value = fields[field];
    if (typeof value === 'string' && sharing(mapping).some(({ shared }) => shared.includes(column)))
      found[column] = value;
  }
  for (const [column, [value = null]] of Object.entries(mapping.filter?.values ?? {})) {
    if (value !== null) found[column] = String(value);
  }
  for (const lookup of sharing(mapping)) {
    const key = fields[lookup.field];
    if (typeof key !== 'string') continue;
    const parts = keyParts(key, lookupColumns(lookup).length) ?? [];
    lookup.shared.forEach((column, i) => {
      const part = parts[i] ?? '';
      if ((found[column] ?? part) !== part) throw new ParentElsewhereError(lookup);
      found[column] = part;
    });
  }
  return found;
}

/** Rows that are there, and the keys of the parents that a lookup of theirs has got. Throws where a parent is another one's. */
export async function holdTogether(
  session: Session,
  mapping: ObjectMapping,
  rows: readonly { readonly key: string; readonly fields: FieldValues }[],
): Promise<void> {
  for (const lookup of sharing(mapping)) {
    const pointing = rows.filter(({ fields }) => typeof fields[lookup.field] === 'string');
    if (pointing.length === 0) continue;
    const { types } = await tableColumns(session, mapping);
    const parts = keyPartsIn({ keyColumns: lookupColumns(lookup) }, 'x.parent');
    const same = lookup.shared.map((column, i) => `t.${name(column)} = (${parts[i]})::${types.get(column) ?? 'text'}`);
    const { rowCount } = await query(
      session,
      `select from unnest($1::text[], $2::text[]) as x (key, parent) join ${rowsOf(mapping)} t on ${isKey(mapping, types, 't', 'x.key')}
        where not (${same.join(' and ')}) limit 1`,
      [pointing.map(({ key }) => key), pointing.map(({ fields }) => fields[lookup.field])],
    );
    if (rowCount !== 0) throw new ParentElsewhereError(lookup);
  }
}

/** The record points to a parent whose row is of another tenant than its own. */
export class ParentElsewhereError extends RowRefusedError {
  constructor({ field, references, shared }: Shared) {
    super(new ServerError({ code: 'PARENT_ELSEWHERE' }));
    this.message = `Its ${field} points to a record of ${references} whose row has other values in ${shared.join(', ')} than the record's own row, which keeps them. Point it to a record with the same ones in Salesforce, or give the row other values in the database.`;
  }
}
