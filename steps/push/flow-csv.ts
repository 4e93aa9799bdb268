/** The file of an outbound flow's run. */
import { stringify } from 'csv-stringify/sync';
import { toCsv } from '../../core/mapping/canonical.ts';
import { type ObjectMapping, outgoingFields } from '../../core/mapping/configuration.ts';
import type { Decided } from '../decide.ts';

/** RFC 4180, UTF-8 without BOM, `\n`: whole rows, for AppFlow writes every mapped field of a file. */
export function flowCsv(mapping: ObjectMapping, pushes: readonly Decided[]): string {
  const fields = outgoingFields(mapping);
  const rows = pushes.map(({ id, push: { outgoing, fillers } }) => {
    const values = { ...fillers, ...('fields' in outgoing && outgoing.fields) };
    return [id, ...fields.map(({ field, type }) => toCsv(type, values[field] ?? null))];
  });
  const columns = ['Id', ...fields.map(({ field }) => field)];
  // A lone carriage return would end the row for some readers.
  return stringify([columns, ...rows], { quoted_match: /\r/ });
}
