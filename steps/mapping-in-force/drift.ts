/** Fields that Salesforce no longer has, or has as another type: what follows when one is found, and when it is back. */
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { isLookup } from '../../core/mapping/lookups.ts';
import type { FieldDrift } from '../../postgres/ledger/drift.ts';
import { closeDrift, noteAsked, noteDrift, noteLookupsAsked, openDrift } from '../../postgres/ledger/drift.ts';
import { beginJoin, joinPart } from '../../postgres/ledger/joining-fields.ts';
import { claimLinks } from '../../postgres/ledger/links.ts';
import { markInsertionsDue, markLinksDue } from '../../postgres/ledger/mark-due.ts';
import { unreadableRecords } from '../../postgres/ledger/rejects.ts';
import { NEWEST_LIVE } from '../../postgres/ledger/selections.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';

/** Leaves fields out from now on. Answers those that this step saw first, and so reports. */
export async function leaveOut(
  session: Session,
  object: string,
  drifts: readonly FieldDrift[],
  step: string,
): Promise<FieldDrift[]> {
  const seen = await noteDrift(session, object, drifts, step);
  // What was refused for such a field goes without it.
  if (seen.length > 0) await markInsertionsDue(session, object, 'refused');
  const changed = seen.flatMap(({ field, change, isNew }) => (isNew && change !== null ? [field] : []));
  if (changed.length > 0) await inTransaction(session, () => readRejectedAgain(session, object, changed));
  return seen.map(({ field, change }) => ({ field, change }));
}

/** Since they were left out both sides may have edited the fields, and nothing was compared: all records are read again. */
export async function takeBack(session: Session, mapping: ObjectMapping, fields: readonly string[]): Promise<void> {
  const { object } = mapping;
  // By itself: links are locked in one order, and those are others.
  await inTransaction(session, () => readRejectedAgain(session, object, fields));
  await inTransaction(session, async () => {
    if (!(await closeDrift(session, object, fields))) return;
    await beginJoin(session, object, fields, 'all');
    // The first records at once, so that an execution begins.
    await joinPart(session, object, fields);
  });
}

/** Records from Salesforce that were rejected for one of these fields are due to be read: now they can be used. */
export async function readRejectedAgain(session: Session, object: string, fields: readonly string[]): Promise<void> {
  const salesforceIds = await unreadableRecords(session, object, fields);
  if (salesforceIds.length === 0) return;
  await claimLinks(session, object, salesforceIds);
  await markLinksDue(session, object, { salesforceIds }, 'read again');
}

/**
 * Brings a field that is left out back also when nothing else is read: one record of the object becomes due to be read.
 * Answers the fields that are left out: of each the read asks whether it fits.
 */
export async function askAgain(session: Session, object: string): Promise<string[]> {
  const open = await openDrift(session, object);
  if (open.size === 0) return [];
  await inTransaction(session, async () => {
    if (await noteAsked(session, object)) await markLinksDue(session, object, NEWEST_LIVE, 'read again');
  });
  return [...open.keys()];
}

/** Lookups that may point to another object now, for values do not show it. Answers those that are to be asked about. */
export async function askOfLookups(session: Session, mapping: ObjectMapping): Promise<string[]> {
  if (!mapping.fields.some(isLookup)) return [];
  return inTransaction(session, async () => {
    const fields = await noteLookupsAsked(session, mapping);
    if (fields.length > 0) await markLinksDue(session, mapping.object, NEWEST_LIVE, 'read again');
    return fields;
  });
}
