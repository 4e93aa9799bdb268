/** Row keys that Salesforce would not distinguish, or not hold as they are. */
import pg from 'pg';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import { keyOf } from '../tables/key-columns.ts';
import type { CatalogTable } from './table-catalog.ts';

/** Keys that Salesforce may take for one, or does not hold as they are, where new rows become records. */
export async function keyWarnings(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<string[]> {
  const warnings: string[] = [];
  for (const mapping of objects) {
    const { externalIdField, keyColumns } = mapping;
    const columns = tables.get(mapping.object)?.columns.filter(({ name }) => keyColumns.includes(name)) ?? [];
    const isText = columns.some(({ type }) => TEXT_KEYS.includes(type));
    if (externalIdField === undefined || columns.length < keyColumns.length || !isText) continue;
    const key = keyOf(mapping, 't');
    const trimmed = `btrim(${key}, E' \\t\\n\\x0B\\f\\r')`;
    const { rows } = await client.query<{ alike: string; cut: string }>(
      `select coalesce(sum(n) filter (where n > 1), 0) as alike, coalesce(sum(cut), 0) as cut from (
         select count(*) as n, count(*) filter (where ${key} <> ${trimmed} or ${key} = '') as cut
           from ${pg.escapeIdentifier(mapping.schema)}.${pg.escapeIdentifier(mapping.table)} t group by lower(${trimmed})) as keys`,
    );
    const { alike = '0', cut = '0' } = rows[0] ?? {};
    const place = `${spelledTable(mapping)}.${keyColumns.map(spelledName).join(', ')}`;
    if (alike !== '0') {
      warnings.push(
        `${place}: ${alike} rows have a key that differs from another row's in case or white space only, and ${externalIdField} has to be case sensitive in Salesforce for them to become records; give them other keys`,
      );
    }
    if (cut !== '0') {
      warnings.push(
        `${place}: ${cut} rows have a key that is empty or has white space at its ends, which Salesforce does not hold, so they become no records; give them other keys`,
      );
    }
  }
  return warnings;
}

const TEXT_KEYS = ['text', 'varchar', 'citext'];
