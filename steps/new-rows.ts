/** New rows in the steps of the outbound machine: chosen after the links of a batch, decided and settled with them. */

import type { NamedRecord } from '../core/agreement/insertion.ts';
import { decideInsertion, missingParents, newRecord, nextStep, settleInsertion } from '../core/agreement/insertion.ts';
import { newLink } from '../core/agreement/link.ts';
import type { Merged } from '../core/agreement/merge.ts';
import type { Parents } from '../core/agreement/references.ts';
import type { InsertionLook, InsertionToRead, InsertLine, InsertOutcome } from '../core/contracts/insertion-tasks.ts';
import type { ObjectMapping, SyncConfiguration } from '../core/mapping/configuration.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { dueInsertions } from '../postgres/ledger/due.ts';
import type { InsertionWrite, StoredInsertion } from '../postgres/ledger/insertions.ts';
import { dropInsertions, lockInsertions, saveInsertions } from '../postgres/ledger/insertions.ts';
import { holdLease } from '../postgres/ledger/lease.ts';
import { lockLinks, type StoredLink } from '../postgres/ledger/links.ts';
import type { Reject } from '../postgres/ledger/rejects.ts';
import { reportConflicts, reportNews, resolveRowRejects } from '../postgres/ledger/rejects.ts';
import { inTransaction } from '../postgres/session/connection.ts';
import { bisect } from '../postgres/session/savepoint.ts';
import type { ChoosePlace } from './collect.ts';
import { withColumns } from './mapping-in-force/columns.ts';
import { sentDrifted } from './mapping-in-force/fields.ts';
import { writeAdoptions } from './pairs/adoption.ts';
import { keptBack } from './pairs/unsendable.ts';
import { parentsOf } from './parents/wake-children.ts';
import type { StepContext } from './step.ts';

/** COLLECT: due new rows, oldest first. Those that have nothing to do are dropped or put to rest. */
export async function chooseInsertions(place: ChoosePlace, limit: number): Promise<InsertionToRead[]> {
  const { mapping } = place;
  if (mapping.externalIdField === undefined) return [];
  return withColumns(place, undefined, (inForce) => chooseInForce({ ...place, ...inForce }, limit));
}

async function chooseInForce(
  { session, configuration, mapping, execution, lease, tell }: ChoosePlace,
  limit: number,
): Promise<InsertionToRead[]> {
  const { settings } = configuration;
  for (;;) {
    const chosen = await inTransaction(session, async () => {
      if (lease !== false) await holdLease(session, mapping.object, execution);
      const keys = await dueInsertions(session, mapping.object, { limit, settings });
      const found = [...(await lockInsertions(session, configuration, mapping, keys)).values()];
      const rows = found.map(({ row }) => row);
      const parents = await parentsOf(session, configuration, mapping, rows);
      const steps = found.map((stored, i) => ({ ...stored, step: stepOf(mapping, stored, parents[i]) }));
      const of = (wanted: Step) => steps.filter(({ step }) => step === wanted);
      await dropInsertions(
        session,
        of('drop').map(({ insertionId }) => insertionId),
      );
      await resolveRowRejects(
        session,
        mapping.object,
        of('drop').map(({ insertion }) => insertion.rowKey),
      );
      await saveInsertions(
        session,
        of('rest').map(({ insertionId, insertion }) => ({ insertionId, insertion: { ...insertion, dirty: false } })),
      );
      const rejects = steps.flatMap((each) => rejectsOf(configuration, mapping, each));
      const context = { object: mapping.object, direction: 'to-salesforce', source: 'row' } as const;
      const news = await reportNews(session, { ...context, execution }, rejects);
      return { found: keys.length - of('left').length, due: of('look'), news };
    });
    tell?.(chosen.news);
    if (chosen.due.length > 0) {
      return chosen.due.map(({ insertionId, insertion }) => toRead({ insertionId, insertion }));
    }
    if (chosen.found === 0) return [];
  }
}

/** again: a parent got its id while we looked; the next round reads the row with it. left: see `Parents`. */
type Step = ReturnType<typeof nextStep> | 'again' | 'left';

function stepOf(mapping: ObjectMapping, { insertion, row }: StoredInsertion, parents: Parents | undefined): Step {
  const step = nextStep(mapping, { insertion, row });
  if (step !== 'rest' || row === undefined || missingParents(mapping, row).length === 0) return step;
  if (parents === 'linked') return 'again';
  return parents === 'locked' ? 'left' : step;
}

/** What people have to know of rows that do not go, or not whole. */
function rejectsOf(
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  { insertion, row, step }: StoredInsertion & { readonly step: Step },
): Reject[] {
  if (step === 'drop' || step === 'again' || step === 'left') return [];
  const kept = keptBack(configuration, mapping, row);
  return kept === undefined ? [] : [rowReject(insertion.rowKey, kept.code, kept.reason, kept.field)];
}

function rowReject(rowKey: string, code: string, reason: string, field?: string): Reject {
  return { salesforceId: undefined, rowKey, field, code, reason, line: undefined };
}

/** What a step did with the new rows of a batch. */
export interface InsertionsDone {
  readonly adopted: number;
  readonly conflicts: number;
  readonly rejects: readonly Reject[];
}

/** A new row to push, and which insertion it is. */
export interface DecidedInsertion extends InsertionToRead {
  readonly line: InsertLine;
}

/** DECIDE, in the transaction of the batch. */
export async function decideInsertions(
  context: StepContext,
  batchId: string,
  looks: readonly InsertionLook[],
  { readAt, now }: { readonly readAt: Instant; readonly now: Instant },
): Promise<InsertionsDone & { readonly pushes: readonly DecidedInsertion[] }> {
  const { session, mapping } = context;
  const round = { readAt, clockSkewMs: clockSkewMs(context), pushId: batchId, now };
  const pushes: DecidedInsertion[] = [];
  const done = await inParts(context, looks, async (part) => {
    const stored = await lockLooked(context, part);
    const adoptions: Adoption[] = [];
    const decided: DecidedInsertion[] = [];
    const unusable: Refusal[] = [];
    const dropped: StoredInsertion[] = [];
    const saved: InsertionWrite[] = [];
    for (const { look, found, named } of stored) {
      const { insertionId, insertion } = found;
      if (look.rejected !== undefined) {
        unusable.push({ found, code: look.rejected.code, reason: look.rejected.reason, field: look.rejected.field });
        continue;
      }
      const decision = decideInsertion(mapping, found, named, { ...round, revision: look.revision });
      if (decision.outcome === 'left') continue;
      if (decision.outcome === 'adopted') adoptions.push({ found, merged: decision });
      else if (decision.outcome === 'dropped') dropped.push(found);
      else saved.push({ insertionId, insertion: decision.insertion });
      if (decision.outcome === 'push') {
        const line: InsertLine = { kind: 'insert', externalId: insertion.rowKey, fields: sendable(decision.fields) };
        decided.push({ ...toRead(found), line });
      }
    }
    await dropInsertions(
      session,
      dropped.map(({ insertionId }) => insertionId),
    );
    await resolveRowRejects(
      session,
      mapping.object,
      dropped.map(({ insertion }) => insertion.rowKey),
    );
    await saveInsertions(session, saved);
    const result = await writeMerged(context, adoptions);
    return { ...result, rejects: [...result.rejects, ...(await refuse(context, unusable))], decided };
  });
  for (const { decided } of done.parts) pushes.push(...decided);
  return { ...done, pushes };
}

function sendable(fields: Readonly<Record<string, string | boolean | null>>): InsertLine['fields'] {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => (value === null ? [] : [[field, value]])),
  );
}

/** SETTLE, in the transaction of the batch. An insertion that is gone was adopted meanwhile. */
export async function settleInsertions(
  context: StepContext,
  batchId: string,
  readBacks: readonly InsertionLook[],
  { readAt, outcomes }: { readonly readAt: Instant; readonly outcomes: ReadonlyMap<string, InsertOutcome> },
): Promise<InsertionsDone & { readonly readAgain: readonly InsertionToRead[] }> {
  const { session, mapping } = context;
  const done = await inParts(context, readBacks, async (part) => {
    const adoptions: Adoption[] = [];
    const again: InsertionToRead[] = [];
    const refused: Reject[] = [];
    const saved: InsertionWrite[] = [];
    for (const { look, found, named } of await lockLooked(context, part)) {
      const { insertionId, insertion } = found;
      if (insertion.push?.id !== batchId) continue;
      const answer = outcomes.get(insertion.rowKey);
      const withdrawn = answer !== undefined && sentDrifted(mapping, insertion.push.sent, answer);
      const settlement = settleInsertion(
        mapping,
        found,
        named,
        { outcome: withdrawn ? 'not applied' : (answer?.outcome ?? 'unknown'), id: answer?.id },
        { readAt, clockSkewMs: clockSkewMs(context), revision: look.revision },
      );
      if (settlement.outcome === 'again') again.push(toRead(found));
      if (settlement.outcome === 'adopted') adoptions.push({ found, merged: settlement });
      if (settlement.outcome !== 'closed') continue;
      saved.push({ insertionId, insertion: settlement.insertion });
      if (settlement.insertion.refused === undefined) continue;
      const { code = 'UNKNOWN', reason = 'Salesforce gave no reason.', field } = answer ?? {};
      refused.push(rowReject(insertion.rowKey, code, reason, field));
    }
    await saveInsertions(session, saved);
    const result = await writeMerged(context, adoptions);
    return { ...result, rejects: [...result.rejects, ...refused], again };
  });
  return { ...done, readAgain: done.parts.flatMap((part) => part.again) };
}

type Part = { readonly adopted: number; readonly conflicts: number; readonly rejects: readonly Reject[] };

/** Works on all lines at once, or part by part where the database refuses one; such a row is listed and waits. */
async function inParts<Line extends InsertionLook, Done extends Part>(
  context: StepContext,
  lines: readonly Line[],
  work: (part: readonly Line[]) => Promise<Done>,
): Promise<InsertionsDone & { readonly parts: readonly Done[] }> {
  const { session, configuration, mapping } = context;
  const failed: Reject[] = [];
  const parts = await bisect(session, lines, work, async ({ externalId }, { code, message, field }) => {
    const found = (await lockInsertions(session, configuration, mapping, [externalId])).get(externalId);
    if (found !== undefined) failed.push(...(await refuse(context, [{ found, code, reason: message, field }])));
  });
  return {
    parts,
    adopted: parts.reduce((sum, part) => sum + part.adopted, 0),
    conflicts: parts.reduce((sum, part) => sum + part.conflicts, 0),
    rejects: [...parts.flatMap(({ rejects }) => rejects), ...failed],
  };
}

function clockSkewMs({ configuration }: StepContext): number {
  return configuration.settings.clockSkewSeconds * 1000;
}

function toRead({ insertionId, insertion }: InsertionWrite): InsertionToRead {
  return { externalId: insertion.rowKey, insertion: insertionId, revision: insertion.revision };
}

interface Looked {
  readonly look: InsertionLook;
  readonly found: StoredInsertion;
  /** undefined: no record names the row. */
  readonly named: NamedRecord | undefined;
}

/** The insertions that were looked for, locked. One that is gone or was made anew is left out. */
async function lockLooked(
  { session, configuration, mapping }: StepContext,
  looks: readonly InsertionLook[],
): Promise<readonly Looked[]> {
  const salesforceIds = looks.flatMap(({ version }) => version?.id ?? []);
  const links = await lockLinks(session, mapping.object, { salesforceIds });
  const keys = looks.map(({ externalId }) => externalId);
  const stored = await lockInsertions(session, configuration, mapping, keys);
  return looks.flatMap((look) => {
    const found = stored.get(look.externalId);
    if (found?.insertionId !== look.insertion) return [];
    const { version } = look;
    const isLinked = !isClaim(links.get(version?.id ?? ''));
    const named = version && { version: { ...version, mergedInto: version.mergedInto }, isLinked };
    return [{ look, found, named }];
  });
}

interface Adoption {
  readonly found: StoredInsertion;
  readonly merged: Merged;
}

interface Refusal {
  readonly found: StoredInsertion;
  readonly code: string;
  readonly reason: string;
  readonly field?: string | undefined;
}

/** Writes pairs. A record that belongs to another row is not taken from it. */
async function writeMerged(context: StepContext, adoptions: readonly Adoption[]): Promise<Part> {
  const { session, mapping, execution } = context;
  const ids = adoptions.map(({ merged }) => merged.link.salesforceId);
  const links = await lockLinks(session, mapping.object, { salesforceIds: ids });
  const free: Adoption[] = [];
  const taken: Refusal[] = [];
  for (const adoption of adoptions) {
    const { found, merged } = adoption;
    const linked = links.get(merged.link.salesforceId);
    const ownId = found.row?.salesforceId;
    if (linked?.link.rowKey === found.insertion.rowKey || (ownId !== undefined && ownId !== merged.link.salesforceId)) {
      // The row is some record's already: it goes the ordinary way.
      await dropInsertions(session, [found.insertionId]);
    } else if (isClaim(linked)) free.push(adoption);
    else {
      const reason = `Record ${merged.link.salesforceId} carries the key of this row as its external id, and belongs to another row.`;
      taken.push({ found, code: 'EXTERNAL_ID_TAKEN', reason });
    }
  }
  await writeAdoptions(
    context,
    free.map(({ found: { insertionId, row: before }, merged: { link, row } }) => {
      const claim = links.get(link.salesforceId);
      const revised = { ...link, revision: link.revision + (claim?.link.revision ?? 0) };
      const begun = { link: newLink(link.salesforceId, link.rowKey), row: before };
      const place = claim === undefined ? {} : { linkId: claim.linkId, stored: claim.link, lacksId: true };
      return { before: { ...begun, ...place }, link: revised, row, insertionId };
    }),
  );
  const conflicts = free.flatMap(({ merged: { link, conflicts: logged } }) =>
    logged.map((conflict) => ({ salesforceId: link.salesforceId, rowKey: link.rowKey, conflict })),
  );
  await reportConflicts(session, mapping.object, execution, conflicts);
  return { adopted: free.length, conflicts: conflicts.length, rejects: await refuse(context, taken) };
}

/** No link, or one of which nothing is known. */
function isClaim(linked: StoredLink | undefined): boolean {
  return linked === undefined || (linked.link.base === undefined && linked.link.rowKey === undefined);
}

/** Not due again until the row changes or the reject is redriven. */
async function refuse({ session, mapping }: StepContext, refusals: readonly Refusal[]): Promise<Reject[]> {
  await saveInsertions(
    session,
    refusals.map(({ found: { insertionId, insertion, row } }) => {
      const refused = row === undefined ? {} : newRecord(mapping, row);
      return { insertionId, insertion: { ...insertion, push: undefined, dirty: false, refused } };
    }),
  );
  return refusals.map(({ found, code, reason, field }) => rowReject(found.insertion.rowKey, code, reason, field));
}
