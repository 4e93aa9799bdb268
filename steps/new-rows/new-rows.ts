/** What DECIDE and SETTLE do with new rows: look them up, make pairs of them, and list those that are refused. */

import { putOff } from '../../core/agreement/due.ts';
import type { NamedRecord } from '../../core/agreement/insertion.ts';
import { refusedInsertion, unwrittenInsertion } from '../../core/agreement/insertion.ts';
import { isClaim, type Link, newLink } from '../../core/agreement/link.ts';
import type { Merged } from '../../core/agreement/merge.ts';
import type { InsertionLook, InsertionToRead } from '../../core/contracts/insertion-tasks.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import type { InsertionWrite, StoredInsertion } from '../../postgres/ledger/insertions.ts';
import { dropInsertions, lockInsertions, saveInsertions } from '../../postgres/ledger/insertions.ts';
import { lockLinks, type StoredLink } from '../../postgres/ledger/links.ts';
import { finishAdoptions } from '../pairs/adoption.ts';
import { inColumnsOf } from '../pairs/column-values.ts';
import { writeMerged } from '../pairs/write-merged.ts';
import type { PartsDone } from '../parts.ts';
import type { RunningStep, StepContext } from '../step.ts';

/** A reject that names a row which has no record. */
export function rowReject(rowKey: string, code: string, reason: string, field?: string): Reject {
  return { salesforceId: undefined, rowKey, field, code, reason, line: undefined };
}

/** What a step did with the new rows of a batch. */
export interface InsertionsDone {
  readonly adopted: number;
  readonly rejects: readonly Reject[];
}

/** Works on all lines, part by part, and lists what is to be. A row that the database refuses waits. */
export async function inParts<Done extends InsertionsDone>(
  step: RunningStep,
  looks: readonly InsertionLook[],
  now: Instant,
  work: (part: readonly InsertionLook[]) => Promise<Done>,
): Promise<
  Pick<InsertionsDone, 'adopted'> &
    Pick<PartsDone<InsertionLook, Done>, 'parts'> & { readonly later: readonly InsertionLook[] }
> {
  const { session, configuration, mapping } = step;
  const { parts, locked, left } = await step.inPartsOf(looks, {
    idOf: ({ externalId }) => externalId,
    work,
    async refuse({ externalId }, { code, message, field }) {
      const insertions = await lockInsertions(session, configuration, mapping, [externalId], 'read');
      const found = insertions.get(externalId);
      if (found === undefined) return;
      const insertion = unwrittenInsertion(mapping, found, now);
      await saveInsertions(session, [{ insertionId: found.insertionId, insertion }]);
      step.reject('to-salesforce', [rowReject(externalId, code, message, field)]);
    },
    done: ({ rejects }) => step.reject('to-salesforce', rejects),
  });
  return {
    parts,
    adopted: parts.reduce((sum, part) => sum + part.adopted, 0),
    later: [...locked, ...left],
  };
}

export function clockSkewMs({ configuration }: StepContext): number {
  return configuration.settings.clockSkewSeconds * 1000;
}

export function toRead({ insertionId, insertion }: InsertionWrite): InsertionToRead {
  return { externalId: insertion.rowKey, insertion: insertionId, revision: insertion.revision };
}

interface Looked {
  readonly look: InsertionLook;
  readonly found: StoredInsertion;
  /** undefined: no record names the row. */
  readonly named: NamedRecord | undefined;
}

/** The insertions that were looked for, locked. One that is gone or was made anew is left out. */
export async function lockLooked(context: StepContext, looks: readonly InsertionLook[]): Promise<readonly Looked[]> {
  const { session, configuration, mapping } = context;
  const salesforceIds = looks.flatMap(({ version }) => version?.id ?? []);
  const links = await lockLinks(session, mapping.object, { salesforceIds });
  const keys = looks.map(({ externalId }) => externalId);
  const stored = await lockInsertions(session, configuration, mapping, keys);
  const looked = looks.flatMap((look): Looked[] => {
    const found = stored.get(look.externalId);
    if (found?.insertionId !== look.insertion) return [];
    const { version } = look;
    const isLinked = !isFree(links.get(version?.id ?? ''));
    const named = version && { version: { ...version, mergedInto: version.mergedInto }, isLinked };
    return [{ look, found, named }];
  });
  return withInColumns(context, looked);
}

/** With what the columns make of the records; one that a column may not change is refused alone. */
async function withInColumns(context: StepContext, looked: readonly Looked[]): Promise<readonly Looked[]> {
  const arriving = looked.flatMap((each) => {
    const { found, named } = each;
    if (named === undefined) return [];
    const pair = { link: newLink(named.version.id, found.insertion.rowKey), row: found.row };
    return [{ each, version: named.version, pair }];
  });
  const { items, refused } = await inColumnsOf(context, arriving);
  const versions = new Map(items.map(({ each, version }) => [each, version]));
  const errors = new Map(refused.map(({ item, error }) => [item.each, error]));
  return looked.map((each) => {
    const error = errors.get(each);
    if (error !== undefined) {
      const { code, message, field } = error;
      return { ...each, look: { ...each.look, rejected: { code, reason: message, field } } };
    }
    const version = versions.get(each);
    return each.named === undefined || version === undefined ? each : { ...each, named: { ...each.named, version } };
  });
}

/** A new row, and the record that it becomes. */
export interface Adoption {
  readonly found: StoredInsertion;
  readonly merged: Merged;
}

export interface Refusal {
  readonly found: StoredInsertion;
  readonly code: string;
  readonly reason: string;
  readonly field?: string | undefined;
}

/** Makes pairs of new rows and their records. A record that belongs to another row is not taken from it. */
export async function writeAdoptions(
  context: StepContext,
  adoptions: readonly Adoption[],
  now: Instant,
): Promise<InsertionsDone> {
  const { session, mapping } = context;
  const ids = adoptions.map(({ merged }) => merged.link.salesforceId);
  const links = await lockLinks(session, mapping.object, { salesforceIds: ids });
  const free: Adoption[] = [];
  const linkedAlready: string[] = [];
  const taken: Refusal[] = [];
  const early: StoredInsertion[] = [];
  for (const adoption of adoptions) {
    const { found, merged } = adoption;
    const linked = links.get(merged.link.salesforceId);
    const ownId = found.row?.salesforceId;
    if (linked?.link.rowKey === found.insertion.rowKey || (ownId !== undefined && ownId !== merged.link.salesforceId)) {
      // The row belongs to a record already: it goes the ordinary way.
      linkedAlready.push(found.insertionId);
    } else if (isFree(linked)) free.push(adoption);
    else if (givesUpKey(mapping, linked?.link, found.insertion.rowKey)) early.push(found);
    else {
      const reason = `Record ${merged.link.salesforceId} carries the key of this row as its external id, and belongs to another row.`;
      taken.push({ found, code: 'EXTERNAL_ID_TAKEN', reason });
    }
  }
  await dropInsertions(session, linkedAlready);
  await saveInsertions(
    session,
    early.map(({ insertionId, insertion }) => ({
      insertionId,
      insertion: putOff({ ...insertion, push: undefined, dirty: true }, now),
    })),
  );
  await writeMerged(
    context,
    free.map(({ found: { row: before }, merged: { link, row, conflicts: logged } }) => {
      const claim = links.get(link.salesforceId);
      const revised = { ...link, revision: link.revision + (claim?.link.revision ?? 0) };
      const begun = { link: newLink(link.salesforceId, link.rowKey), row: before };
      const place = claim === undefined ? {} : { linkId: claim.linkId, stored: claim.link, lacksId: true };
      return { before: { ...begun, ...place }, link: revised, row, conflicts: logged, isMerged: false };
    }),
  );
  await finishAdoptions(
    context,
    free.map(({ found: { insertionId }, merged: { link, row } }) => ({ link, row, insertionId })),
  );
  return { adopted: free.length, rejects: await refuse(context, taken) };
}

/** The record has the key as yet that its row had before: it gets another one, and the new row one of its own. */
function givesUpKey({ externalIdField = '' }: ObjectMapping, link: Link | undefined, rowKey: string): boolean {
  return link?.base?.fields[externalIdField] === rowKey && link.rowKey !== rowKey;
}

/** The record has no link, or one of which nothing is known. */
function isFree(linked: StoredLink | undefined): boolean {
  return linked === undefined || isClaim(linked.link);
}

/** Not due again until the row changes or the reject is redriven. */
export async function refuse({ session, mapping }: StepContext, refusals: readonly Refusal[]): Promise<Reject[]> {
  await saveInsertions(
    session,
    refusals.map(({ found }) => ({ insertionId: found.insertionId, insertion: refusedInsertion(mapping, found) })),
  );
  return refusals.map(({ found, code, reason, field }) => rowReject(found.insertion.rowKey, code, reason, field));
}
