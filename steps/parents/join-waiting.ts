/** Children that came before their parents. */

import { join, stopWaiting } from '../../core/agreement/references.ts';
import { afterWrite } from '../../core/agreement/written.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import { type ObjectMapping, parentOf } from '../../core/mapping/configuration.ts';
import { type Lookup, lookupsOf } from '../../core/mapping/lookups.ts';
import type { LinkSelection, StoredLink } from '../../postgres/ledger/links.ts';
import { changeAllLinks, inPages, lockLinks, saveLinks } from '../../postgres/ledger/links.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { leaveToRead } from '../../postgres/ledger/put-off.ts';
import { reportRejects, resolveRejects } from '../../postgres/ledger/rejects.ts';
import {
  anyWaiting,
  childrenOfMerged,
  parentLanded,
  putOffParents,
  type WaitingChildren,
} from '../../postgres/ledger/selections.ts';
import { query, type Session } from '../../postgres/session/connection.ts';
import { bisect } from '../../postgres/session/savepoint.ts';
import { RowsLockedError } from '../../postgres/session/server-errors.ts';
import { fillNulls, holdParents, lockColumn, othersRows } from '../../postgres/tables/lookups.ts';
import { rejectOfRow } from '../refused-row.ts';
import type { StepContext } from '../step.ts';
import { requiredLookups } from './required-parents.ts';

export interface Joined {
  /** Objects of which records have become due: they have to be read again. */
  readonly due: readonly string[];
}

/**
 * Joins waiting children of the object, and children that wait for a record of it, to the parents that have landed; and
 * takes up again what a parent or a child had kept from being written. Runs in a transaction of its own after the one that
 * wrote: of a parent's and a child's transactions, whichever commits last sees the other, so no pair is overlooked.
 */
export async function joinWaiting(context: StepContext, source: string, records: JoinedRecords): Promise<Joined> {
  const { session, configuration, mapping } = context;
  const due = new Set<string>();
  const becameDue = async ({ object }: ObjectMapping, which: LinkSelection) =>
    (await markLinksDue(session, object, which, 'read again')) > 0;
  for (const child of configuration.objects) {
    const required = new Set((await requiredLookups(session, child)).map(({ field }) => field));
    for (const field of lookupsOf(child)) {
      const parent = parentOf(configuration, field);
      for (const waiting of childrenToJoin(mapping, child, field, records)) {
        if (!(await anyWaiting(session, child.object, field))) break;
        if (await becameDue(child, childrenOfMerged(field, parent.object, waiting))) due.add(child.object);
        if (!required.has(field.field)) {
          if (await joinField(context, source, child, field, parent, waiting)) due.add(child.object);
          continue;
        }
        // Nothing of a record that was rejected for want of this parent is kept here: it is read again.
        const landed = parentLanded(field, parent, waiting);
        const orphans = await changeAllLinks(session, child.object, landed, (link) => stopWaiting(link, field.field));
        if (orphans > 0) due.add(child.object);
      }
      const isOurs = child.object === mapping.object || parent.object === mapping.object;
      if (!isOurs || !required.has(field.field)) continue;
      if (await becameDue(parent, putOffParents(child, field, parent))) due.add(parent.object);
    }
  }
  return { due: [...due] };
}

/** The records that a step has worked on, whatever it made of them; or all that there are. */
export type JoinedRecords = readonly string[] | 'all';

/** A parent that was worked on asks for its children, and a child for its parent. */
function childrenToJoin(
  { object }: ObjectMapping,
  child: ObjectMapping,
  { references }: Lookup,
  records: JoinedRecords,
): WaitingChildren[] {
  if (records === 'all') return child.object === object || references === object ? ['all'] : [];
  const asParents: WaitingChildren[] = references === object ? [{ for: records }] : [];
  return child.object === object ? [...asParents, { of: records }] : asParents;
}

/** Answers whether a child that was joined is due. */
async function joinField(
  context: StepContext,
  source: string,
  child: ObjectMapping,
  field: Lookup,
  parent: ObjectMapping,
  waiting: WaitingChildren,
): Promise<boolean> {
  const { session, execution } = context;
  const refused: Reject[] = [];
  const parts = await inPages(session, child.object, parentLanded(field, parent, waiting), async (page) => {
    const links = await lockLinks(session, child.object, page);
    return bisect(
      session,
      [...links.values()],
      (part) => joinPart(session, child, field, parent, part),
      ({ link: { salesforceId, rowKey } }, error) => {
        refused.push({ ...rejectOfRow(child, salesforceId, error), field: field.field, rowKey });
      },
    );
  });
  // Those that the table refuses go on waiting, and are tried again with the next file of theirs, and by the sweep.
  await reportRejects(session, { object: child.object, direction: 'to-postgres', source, execution }, refused);
  return parts.flat().includes(true);
}

async function joinPart(
  session: Session,
  child: ObjectMapping,
  field: Lookup,
  parent: ObjectMapping,
  part: readonly StoredLink[],
): Promise<boolean> {
  const wanted = part.flatMap(({ link }) => link.waiting[field.field] ?? []);
  const parents = await holdParents(session, parent, wanted, 'skip');
  const keys = part.flatMap(({ link }) => link.rowKey ?? []);
  const { columns, locked } = await lockFreeColumns(session, child, field, keys);
  const others = await othersRows(session, child, keys);
  const isHeld = ({ link: { rowKey, waiting } }: StoredLink) =>
    !parents.has(waiting[field.field] ?? '') || (rowKey !== undefined && locked.has(rowKey));
  // Another transaction holds the child's row or the parent's: the child is taken up again, and joined, after a pause.
  const held = part.filter(isHeld);
  await leaveToRead(
    session,
    child.object,
    held.map(({ link }) => link.salesforceId),
    Date.now(),
  );
  const joined = part.flatMap((stored) => {
    const { linkId, link } = stored;
    const { rowKey } = link;
    const parentKey = parents.get(link.waiting[field.field] ?? '');
    if (parentKey === undefined || isHeld(stored)) return [];
    // Its row lacked more than the lookup, and was not made: the record is read again.
    if (rowKey === undefined && link.base === undefined) {
      return [{ linkId, stored: link, link: stopWaiting(link, field.field), fill: [] }];
    }
    // It is joined when its row comes back to the object.
    if (rowKey !== undefined && others.has(rowKey)) return [];
    const column = rowKey === undefined ? undefined : columns.get(rowKey);
    const { link: after, fills } = join(link, child, field.field, column);
    return [{ linkId, stored: link, link: after, fill: fills && rowKey !== undefined ? [{ rowKey, parentKey }] : [] }];
  });
  const left = await fillNulls(
    session,
    child,
    field,
    joined.flatMap(({ fill }) => fill),
  );
  // A deferred constraint is checked while the caller still knows which rows it means.
  await query(session, 'set constraints all immediate');
  await saveLinks(
    session,
    joined.map(({ fill, ...stored }) => {
      const found = left.get(fill[0]?.rowKey ?? '');
      if (found === undefined) return stored;
      const parentId = stored.stored.waiting[field.field] ?? null;
      const written = {
        before: { fields: { [field.field]: null } },
        after: { fields: { [field.field]: parentId } },
        fields: [field.field],
      };
      // When the application has edited the row was not read.
      return { ...stored, link: afterWrite(stored.link, written, { ...found, touchedAt: undefined }) };
    }),
  );
  await resolveRejects(session, {
    object: child.object,
    direction: 'to-postgres',
    field: field.field,
    salesforceIds: joined.map(({ link: { salesforceId } }) => salesforceId),
  });
  return held.length > 0 || joined.some(({ link }) => link.dirty);
}

/** What the rows hold in the column of the lookup, locked, but for those that another transaction holds. */
async function lockFreeColumns(
  session: Session,
  child: ObjectMapping,
  field: Lookup,
  rowKeys: readonly string[],
): Promise<{ readonly columns: ReadonlyMap<string, string | null>; readonly locked: ReadonlySet<string> }> {
  const locked = new Set<string>();
  for (;;) {
    const free = rowKeys.filter((rowKey) => !locked.has(rowKey));
    try {
      return { columns: await lockColumn(session, child, field, free), locked };
    } catch (error) {
      if (!(error instanceof RowsLockedError)) throw error;
      for (const key of error.ids) locked.add(key);
    }
  }
}
