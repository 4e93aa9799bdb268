/**
 * The rows of a set, written in an order in which they do not stand in each other's way. PostgreSQL checks a unique index row by
 * row, also within one statement, unless its constraint is deferrable: of two rows that exchange their values the first is refused.
 */
import type { Left } from '../../core/agreement/written.ts';
import { storedIn } from '../../core/mapping/lookups.ts';
import { type RowRemoval, restoreRows } from '../../postgres/ledger/tombstones.ts';
import { query } from '../../postgres/session/connection.ts';
import type { RowRestore } from '../../postgres/tables/restore.ts';
import { insertRows, type RowInsert, type RowWrite, updateRows } from '../../postgres/tables/rows.ts';
import { collidingColumns, tableColumns } from '../../postgres/tables/table-columns.ts';
import { type OwnOrphan, removeRows } from '../parents/lost-parents.ts';
import type { StepContext } from '../step.ts';
import { writeFreed } from './collisions.ts';

export interface RowWrites {
  readonly updates: readonly (RowWrite & { readonly salesforceId: string })[];
  readonly deletes: readonly RowRemoval[];
  readonly restores: readonly RowRestore[];
  readonly inserts: readonly RowInsert[];
}

export interface WrittenSet {
  readonly orphans: readonly OwnOrphan[];
  /** What the updates have left in the columns that sfsync fills by itself, by key. */
  readonly left: ReadonlyMap<string, Left>;
  /** Keys that the table made, by Salesforce id. */
  readonly madeByTable: ReadonlyMap<string, string>;
}

/**
 * Writes the rows. Once a row of the transaction was refused because of a value that another one has, values are freed before they are
 * written: rows that go, go first, and columns that change and may be null are null in between. (Not before: the application's
 * triggers see that.) Constraints that are deferrable are checked at the end.
 */
export async function writeRows(context: StepContext, writes: RowWrites): Promise<WrittenSet> {
  const { session, mapping } = context;
  const frees = session.transaction?.hasCollided === true;
  if (frees) await query(session, 'set constraints all deferred');
  const early = frees ? await removeRows(context, writes.deletes) : [];
  if (frees) await freeValues(context, writes.updates);
  const update = (part: RowWrites['updates']) => updateRows(session, mapping, part);
  const left = await (frees ? writeFreed(session, writes.updates, update) : update(writes.updates));
  const late = frees ? [] : await removeRows(context, writes.deletes);
  await restoreRows(session, mapping, writes.restores);
  const insert = (part: RowWrites['inserts']) => insertRows(session, mapping, part);
  const madeByTable = await (frees ? writeFreed(session, writes.inserts, insert) : insert(writes.inserts));
  // A deferred constraint is checked while the caller still knows which rows it means.
  await query(session, 'set constraints all immediate');
  return { orphans: [...early, ...late], left, madeByTable };
}

/** Of a single row nothing has to be freed: what it takes is another one's. */
async function freeValues({ session, mapping }: StepContext, updates: readonly RowWrite[]): Promise<void> {
  if (updates.length < 2) return;
  const colliding = await collidingColumns(session, mapping);
  const { notNull } = await tableColumns(session, mapping);
  const free = mapping.fields.filter((field) => {
    const columns = storedIn(field).map(({ column }) => column);
    return columns.some((column) => colliding.has(column)) && !columns.some((column) => notNull.has(column));
  });
  const freed = updates.flatMap(({ key, fields }) => {
    const changed = free.filter(({ field }) => field in fields);
    return changed.length === 0 ? [] : { key, fields: Object.fromEntries(changed.map(({ field }) => [field, null])) };
  });
  await updateRows(session, mapping, freed);
}
