/** COLLECT: which of the records that are due go into the next batch. */
import type { z } from 'zod';
import { type Chosen as ChosenRecord, choose } from '../core/agreement/collect.ts';
import { type Link, outgoing, type RowVersion } from '../core/agreement/link.ts';
import { waitForChildren } from '../core/agreement/references.ts';
import type { recordToRead } from '../core/contracts/inbound-tasks.ts';
import type { Reject } from '../core/contracts/rejects.ts';
import { dueRecords } from '../postgres/ledger/due.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { reportNewRejects, resolveRejects } from '../postgres/ledger/rejects.ts';
import { renamingFields } from '../postgres/ledger/renamed-fields.ts';
import { withMappingInForce } from './mapping-in-force/columns.ts';
import { askAgain, askOfLookups } from './mapping-in-force/drift.ts';
import { lockPairs } from './pairs/pairs.ts';
import { whyUnsendable } from './pairs/unsendable.ts';
import { childrenLeft, waitingForChildren } from './parents/freed-children.ts';
import { parentsOf } from './parents/wake-children.ts';
import { inLedger, type StepContext } from './step.ts';

export interface Chosen<Due> {
  readonly due: readonly Due[];
  /** Rejects of records that hold what cannot be sent and that were not listed before. */
  readonly newRejects: readonly Reject[];
}

export interface ChosenRound<Due> extends Chosen<Due> {
  /** Records that were looked at and are settled one way or the other. */
  readonly found: number;
}

/** Chooses, each round in a transaction of its own under the lease, until something is due or nothing is found. */
export async function chooseInRounds<Due>(
  context: StepContext,
  round: (inForce: StepContext) => Promise<ChosenRound<Due>>,
): Promise<Chosen<Due>> {
  const newRejects: Reject[] = [];
  for (;;) {
    const chosen = await inLedger(context, { lease: true }, round);
    newRejects.push(...chosen.newRejects);
    if (chosen.due.length > 0 || chosen.found === 0) return { due: chosen.due, newRejects };
  }
}

/** How many records, and whether no run of the object's outbound flow is in progress. */
export interface BatchLimits {
  readonly limit: number;
  readonly flowFenced: boolean;
}

/**
 * Due records with the revision of their link, oldest first. Records that do not differ after all are done; one whose
 * parent is about to get its id stays due, and is left for the next look.
 */
export async function chooseRecords(
  context: StepContext,
  limits: BatchLimits,
): Promise<Chosen<z.input<typeof recordToRead>>> {
  const doubted = await withMappingInForce(context, undefined, doubtedFields);
  const { due, newRejects } = await chooseInRounds(context, (inForce) => chooseRound(inForce, limits));
  const toRead = due.map(({ salesforceId: id, revision, push }) => ({
    id,
    revision,
    ...(push && { pushId: push.id }),
    ...(doubted.length > 0 && { doubted }),
  }));
  return { due: toRead, newRejects };
}

/** Fields of which the read asks whether they fit. */
async function doubtedFields({ session, mapping }: StepContext): Promise<string[]> {
  const former = (await renamingFields(session, mapping.object)).values();
  return [...(await askAgain(session, mapping.object)), ...former, ...(await askOfLookups(session, mapping))];
}

async function chooseRound(context: StepContext, { limit, flowFenced }: BatchLimits): Promise<ChosenRound<Link>> {
  const { session, configuration, mapping, execution } = context;
  const { object } = mapping;
  const ids = await dueRecords(session, object, { limit, flowFenced, settings: configuration.settings });
  const pairs = [...(await lockPairs(context, ids, 'read')).values()];
  const rows = pairs.map(({ row }) => row);
  const parents = await parentsOf(session, configuration, mapping, rows);
  const looks = pairs.map((pair, i) => {
    const unsendable = whyUnsendable(context, pair.row);
    const { linkId, stored, lacksId } = pair;
    const looked = { parents: parents[i] ?? 'as read', lacksId, isUnsendable: unsendable !== undefined };
    return { linkId, stored, row: pair.row, unsendable, ...choose(mapping, pair, looked) };
  });
  const { judged, overdue } = await afterChildren(context, looks);
  await saveLinks(session, judged);
  const source = { object, direction: 'to-salesforce', source: 'row', execution } as const;
  const newRejects = await reportNewRejects(session, source, [...judged.flatMap(rejectOfUnsendable), ...overdue]);
  const salesforceIds = judged.flatMap(({ agrees, link }) => (agrees ? link.salesforceId : []));
  await resolveRejects(session, { object, direction: 'to-salesforce', salesforceIds });
  const left = judged.filter(({ step }) => step === 'left').length;
  return {
    found: ids.length - left,
    due: judged.flatMap(({ step, link }) => (step === 'due' ? link : [])),
    newRejects,
  };
}

/** Deletes of parents wait until their children are freed or deleted. `overdue`: of those that have waited in vain, and go. */
async function afterChildren<T extends ChosenRecord & { readonly row: RowVersion | undefined }>(
  context: StepContext,
  looked: readonly T[],
): Promise<{ readonly judged: readonly T[]; readonly overdue: readonly Reject[] }> {
  const { mapping } = context;
  const deletes = looked.filter(
    ({ step, link, row }) =>
      step === 'due' && link.push === undefined && outgoing(mapping, link, row)?.kind === 'delete',
  );
  const doomed = deletes.map(({ link: { salesforceId: id, rowKey } }) => ({ id, rowKey }));
  const waiting = await waitingForChildren(context, doomed);
  if (waiting.size === 0) return { judged: looked, overdue: [] };
  const overdue: Reject[] = [];
  const now = Date.now();
  const judged = looked.map((each) => {
    if (!waiting.has(each.link.salesforceId)) return each;
    const link = waitForChildren(each.link, now);
    if (link === undefined) overdue.push({ ...childrenLeft(each.link.salesforceId), rowKey: each.link.rowKey });
    return link === undefined ? each : { ...each, link, step: 'left' as const };
  });
  return { judged, overdue };
}

interface Unsendable {
  readonly link: Link;
  readonly unsendable: ReturnType<typeof whyUnsendable>;
}

/** A value that cannot be sent stays as it is, and is listed. */
function rejectOfUnsendable({ link: { salesforceId, rowKey }, unsendable }: Unsendable): Reject[] {
  return unsendable === undefined ? [] : [{ salesforceId, rowKey, line: undefined, ...unsendable }];
}
