/**
 * Rows that Salesforce deletes, and what becomes of their children. Salesforce deletes a parent with its children, and their
 * files arrive in any order. A child's row that still points to a parent which goes gets a null lookup and waits for the
 * parent, as one does that came too early; an undelete joins them again. The children of a record that was merged into
 * another go to the survivor. A lookup whose column allows no null is left alone (required-parents.ts).
 */
import { childLookups, loseParent } from '../../core/agreement/references.ts';
import { type FieldMapping, type ObjectMapping, seenBy } from '../../core/mapping/configuration.ts';
import { columnsOfLookup } from '../../core/mapping/lookups.ts';
import { changeLinks, holdLinks } from '../../postgres/ledger/links.ts';
import { buryRows, lockDoomed, type RowRemoval } from '../../postgres/ledger/tombstones.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { alsoNaming, childKeysOfRecords, type OrphanedRow, takeOutParents } from '../../postgres/tables/lookups.ts';
import { markDeleted } from '../../postgres/tables/restore.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import type { StepContext } from '../step.ts';

type Removing = Pick<StepContext, 'session' | 'configuration' | 'mapping'>;

/** A row of the object itself whose parent's row has gone. */
export type OwnOrphan = OrphanedRow & { readonly field: string };

/**
 * Removes rows as the mapping says, their children first. Answers which rows of the object itself have lost a parent: their
 * links have changed.
 */
export async function removeRows(context: Removing, removals: readonly RowRemoval[]): Promise<OwnOrphan[]> {
  if (removals.length === 0) return [];
  const { session, mapping } = context;
  if (mapping.deletedAtColumn !== undefined) {
    const merged = removals.filter(({ survivor }) => survivor !== undefined);
    const moved = await orphanChildren(context, merged);
    const keys = removals.map(({ key }) => key);
    await markDeleted(session, mapping, mapping.deletedAtColumn, keys);
    return moved;
  }
  // Children before the parent, in the order in which a step that writes a child takes its locks: link, row, parent. Children
  // that came in between are seen once the parent is locked against new ones.
  const early = await orphanChildren(context, removals);
  await lockDoomed(session, mapping, removals);
  const late = await orphanChildren(context, removals);
  await buryRows(session, mapping, removals);
  return [...early, ...late];
}

async function orphanChildren(
  { session, configuration, mapping }: Removing,
  removals: readonly RowRemoval[],
): Promise<OwnOrphan[]> {
  const own: OwnOrphan[] = [];
  if (removals.length === 0) return own;
  for (const { child, lookup } of childLookups(configuration, mapping.object)) {
    const parent = seenBy(mapping, lookup);
    const ids = removals.map(({ salesforceId }) => salesforceId);
    const rowKeys = await childKeysOfRecords(session, child, lookup, parent, ids);
    if (rowKeys.length === 0) continue;
    // As everywhere, links come before their rows.
    await holdLinks(session, child.object, { rowKeys });
    const { notNull } = await tableColumns(session, child);
    const required = columnsOfLookup(lookup).some((column) => notNull.has(column));
    const others = alsoNaming(configuration, child, lookup);
    const orphaned = await takeOutParents(session, child, lookup, parent, removals, { required, others });
    await loseParents(session, child, lookup, orphaned);
    if (child.object === parent.object) own.push(...orphaned.map((row) => ({ ...row, field: lookup.field })));
  }
  return own;
}

/** Links that are in memory at a time: a parent may have any number of children. */
const PAGE_LINKS = 2_000;

async function loseParents(
  session: Session,
  child: ObjectMapping,
  { field }: FieldMapping,
  orphaned: readonly OrphanedRow[],
): Promise<void> {
  const lost = new Map(orphaned.map((row) => [row.rowKey, row]));
  const keys = [...lost.keys()];
  for (let first = 0; first < keys.length; first += PAGE_LINKS) {
    const rowKeys = keys.slice(first, first + PAGE_LINKS);
    await changeLinks(session, child.object, { rowKeys }, (link) => {
      const row = link.rowKey === undefined ? undefined : lost.get(link.rowKey);
      return row && loseParent(link, child, field, row);
    });
  }
}
