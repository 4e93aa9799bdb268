/**
 * Lookups whose column allows no null. Such a child cannot wait with an empty column: a record whose parent has no row yet
 * is rejected, and its link remembers the parent; a parent whose children still point to it is not deleted. Both are taken
 * up again by themselves (waiting.ts) when the parent lands, or the last of these children goes.
 */
import pg from 'pg';
import type { Pair, RowVersion } from '../../core/agreement/link.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { claimLinks } from '../../postgres/ledger/links.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { query } from '../../postgres/session/connection.ts';
import { holdParents } from '../../postgres/tables/lookups.ts';
import { tableOf } from '../../postgres/tables/rows.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import type { StepContext } from '../step.ts';

const name = pg.escapeIdentifier;

/** Code of a parent's delete that waits for its children to go. */
export const CHILDREN_EXIST = 'CHILDREN_EXIST';

/** The lookups of an object that Salesforce fills and whose column allows no null. */
export async function requiredLookups(session: Session, mapping: ObjectMapping): Promise<FieldMapping[]> {
  const lookups = mapping.fields.filter(
    ({ references, direction }) => references !== undefined && direction !== 'to-salesforce',
  );
  if (lookups.length === 0) return [];
  const { notNull } = await tableColumns(session, mapping);
  return lookups.filter(({ column }) => notNull.has(column));
}

/** A record and its row, before and after a merge. */
export interface MergedRecord {
  readonly id: string;
  readonly pair: Pair;
  readonly row: RowVersion | undefined;
  readonly survivor: string | undefined;
}

/** Records that cannot be written now because of another record, with the reason. */
export type Blocked = ReadonlyMap<string, RejectedRecordError>;

/** Finds records whose required parent has no row, and remembers in their links which parent they wait for. */
export async function withoutParent(
  { session, configuration, mapping }: StepContext,
  records: readonly MergedRecord[],
): Promise<Blocked> {
  const blocked = new Map<string, RejectedRecordError>();
  for (const { field, references = '' } of await requiredLookups(session, mapping)) {
    const wanting = records.flatMap(({ id, pair, row }) => {
      const parent = row?.fields[field];
      return typeof parent === 'string' && parent !== pair.row?.fields[field] ? [{ id, parent }] : [];
    });
    const parents = [...new Set(wanting.map(({ parent }) => parent))];
    const there = await holdParents(session, mappingOf(configuration, references), parents);
    const orphans = wanting.filter(({ id, parent }) => !there.has(parent) && !blocked.has(id));
    for (const { id } of orphans) blocked.set(id, parentMissing(field, references));
    await waitForParents(session, mapping.object, field, orphans);
  }
  return blocked;
}

function parentMissing(field: string, parent: string): RejectedRecordError {
  return new RejectedRecordError(
    'PARENT_MISSING',
    `Its ${field} points to a record of ${parent} that has no row yet, and the column allows no null. It is taken up again by itself when that record lands.`,
    field,
  );
}

async function waitForParents(
  session: Session,
  object: string,
  field: string,
  orphans: readonly { readonly id: string; readonly parent: string }[],
): Promise<void> {
  if (orphans.length === 0) return;
  const ids = orphans.map(({ id }) => id);
  await claimLinks(session, object, ids);
  await query(
    session,
    `update sfsync.link l set waiting = l.waiting || jsonb_build_object($2::text, x.parent), revision = l.revision + 1
       from unnest($3::text[], $4::text[]) as x (id, parent) where l.object = $1 and l.salesforce_id = x.id`,
    [object, field, ids, orphans.map(({ parent }) => parent)],
  );
}

/** Finds rows that are to be deleted and to which required lookups of children still point. */
export async function withChildren(
  { session, configuration, mapping }: StepContext,
  records: readonly MergedRecord[],
): Promise<Blocked> {
  const blocked = new Map<string, RejectedRecordError>();
  // A marked row keeps its key, and children of a merged record go to the survivor.
  if (mapping.deletedAtColumn !== undefined) return blocked;
  const doomed = records.filter(
    ({ pair, row, survivor }) => pair.row !== undefined && row === undefined && survivor === undefined,
  );
  if (doomed.length === 0) return blocked;
  for (const child of configuration.objects) {
    for (const { field, column, references } of await requiredLookups(session, child)) {
      if (references !== mapping.object) continue;
      const { rows } = await query<{ id: string }>(
        session,
        `select p.${name(mapping.salesforceIdColumn)} as id from ${tableOf(mapping)} p
          where p.${name(mapping.salesforceIdColumn)} = any ($1::text[])
            and exists (select from ${tableOf(child)} t where t.${name(column)} = p.${name(mapping.keyColumn)})`,
        [doomed.map(({ id }) => id)],
      );
      for (const { id } of rows) blocked.set(id, childrenExist(child, field));
    }
  }
  return blocked;
}

function childrenExist({ object, schema, table }: ObjectMapping, field: string): RejectedRecordError {
  return new RejectedRecordError(
    CHILDREN_EXIST,
    `It was deleted in Salesforce, and rows of ${schema}.${table} still point to it by ${field} of ${object}, whose column allows no null. It is taken up again by itself when they are gone.`,
  );
}
