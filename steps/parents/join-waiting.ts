/** Children that came before their parents. */
import { join, stopWaiting } from '../../core/agreement/references.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { LinkSelection, StoredLink } from '../../postgres/ledger/links.ts';
import { changeAllLinks, inPages, lockLinks, saveLinks } from '../../postgres/ledger/links.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { reportRejects, resolveRejects } from '../../postgres/ledger/rejects.ts';
import { childrenOfMerged, parentLanded, putOffParents } from '../../postgres/ledger/selections.ts';
import { query, type Session } from '../../postgres/session/connection.ts';
import { bisect } from '../../postgres/session/savepoint.ts';
import { fillNulls, holdParents, lockColumn } from '../../postgres/tables/lookups.ts';
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
export async function joinWaiting(context: StepContext, source: string): Promise<Joined> {
  const { session, configuration, mapping } = context;
  const due = new Set<string>();
  const becameDue = async ({ object }: ObjectMapping, which: LinkSelection) =>
    (await markLinksDue(session, object, which, 'read again')) > 0;
  for (const child of configuration.objects) {
    const required = new Set((await requiredLookups(session, child)).map(({ field }) => field));
    for (const field of child.fields) {
      if (field.references === undefined) continue;
      if (child.object !== mapping.object && field.references !== mapping.object) continue;
      const parent = mappingOf(configuration, field.references);
      if (await becameDue(child, childrenOfMerged(field, parent.object))) due.add(child.object);
      if (!required.has(field.field)) {
        if (await joinField(context, source, child, field, parent)) due.add(child.object);
      } else {
        // Nothing of a record that was rejected for want of this parent is kept here: it is read again.
        const landed = parentLanded(field, parent);
        const orphans = await changeAllLinks(session, child.object, landed, (link) => stopWaiting(link, field.field));
        if (orphans > 0) due.add(child.object);
        if (await becameDue(parent, putOffParents(child, field, parent))) due.add(parent.object);
      }
    }
  }
  return { due: [...due] };
}

/** Answers whether a child that was joined is due. */
async function joinField(
  context: StepContext,
  source: string,
  child: ObjectMapping,
  field: FieldMapping,
  parent: ObjectMapping,
): Promise<boolean> {
  const { session, execution } = context;
  const refused: Reject[] = [];
  const parts = await inPages(session, child.object, parentLanded(field, parent), async (page) => {
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
  // Those that the table refuses go on waiting, and are tried again with the next file.
  await reportRejects(session, { object: child.object, direction: 'to-postgres', source, execution }, refused);
  return parts.flat().includes(true);
}

async function joinPart(
  session: Session,
  child: ObjectMapping,
  field: FieldMapping,
  parent: ObjectMapping,
  part: readonly StoredLink[],
): Promise<boolean> {
  const parents = await holdParents(
    session,
    parent,
    part.flatMap(({ link }) => link.waiting[field.field] ?? []),
  );
  const columns = await lockColumn(
    session,
    child,
    field,
    part.flatMap(({ link }) => link.rowKey ?? []),
  );
  const joined = part.flatMap(({ linkId, link }) => {
    const { rowKey } = link;
    const parentKey = parents.get(link.waiting[field.field] ?? '');
    if (parentKey === undefined) return [];
    const { link: after, fills } = join(link, field.field, rowKey === undefined ? undefined : columns.get(rowKey));
    return [{ linkId, stored: link, link: after, fill: fills && rowKey !== undefined ? [{ rowKey, parentKey }] : [] }];
  });
  await fillNulls(
    session,
    child,
    field,
    joined.flatMap(({ fill }) => fill),
  );
  // A deferred constraint is checked while the caller still knows which rows it means.
  await query(session, 'set constraints all immediate');
  await saveLinks(session, joined);
  await resolveRejects(session, {
    object: child.object,
    direction: 'to-postgres',
    field: field.field,
    salesforceIds: joined.map(({ link: { salesforceId } }) => salesforceId),
  });
  return joined.some(({ link }) => link.dirty);
}
