/** DECIDE for a batch, in one transaction under the lease. */
import type { z } from 'zod';
import type { Pair } from '../core/agreement/link.ts';
import { nothingRefused } from '../core/agreement/link.ts';
import type { Decision, Push } from '../core/agreement/outbound.ts';
import { decide, giveUp, isDue, mayBeMissing } from '../core/agreement/outbound.ts';
import type { ReasonCount, readLine } from '../core/contracts/inbound-tasks.ts';
import type { InsertionLook } from '../core/contracts/insertion-tasks.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { withoutFields } from '../core/mapping/drift.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { anyHeld } from '../postgres/ledger/held-deletes.ts';
import { closeCircuit, holdLease } from '../postgres/ledger/lease.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { dueChildren } from '../postgres/ledger/mark-due.ts';
import type { Reject, RejectContext } from '../postgres/ledger/rejects.ts';
import {
  NOT_VISIBLE,
  rejectOf,
  rejectsOfReads,
  reportConflicts,
  reportRejects,
  resolveRejects,
} from '../postgres/ledger/rejects.ts';
import { inOwnTransaction } from '../postgres/session/origin.ts';
import { bisect } from '../postgres/session/savepoint.ts';
import { reasonCounts } from './apply.ts';
import { countToTell, guardDeletes } from './delete-guard.ts';
import { withColumns } from './mapping-in-force/columns.ts';
import { leftOutOfRead } from './mapping-in-force/fields.ts';
import { decideInsertions } from './new-rows.ts';
import { returnIds } from './pairs/adoption.ts';
import { lockPairs, writePairs } from './pairs/pairs.ts';
import { keptBack } from './pairs/unsendable.ts';
import { joinWaiting, othersDue } from './parents/join-waiting.ts';
import type { StepContext } from './step.ts';

/** One record to push, with the revision of its link after the decision. */
export interface Decided {
  readonly id: string;
  readonly revision: number;
  readonly push: Push;
}

type Look = z.output<typeof readLine>;

export interface DecideRound {
  readonly readAt: Instant;
  readonly now: Instant;
  /** What the look found of new rows. */
  readonly newRows?: readonly InsertionLook[];
}

export async function decideBatch(context: StepContext, batchId: string, looks: readonly Look[], round: DecideRound) {
  const step = `decide ${batchId}`;
  const told = [...looks, ...(round.newRows ?? [])];
  return withColumns(context, step, async ({ reasons, ...columns }) => {
    const read = await leftOutOfRead(context, told, step);
    const fitted = { ...columns, mapping: withoutFields(columns.mapping, read.leftOut) };
    return decideInForce(fitted, batchId, looks, round, [...read.reasons, ...reasons]);
  });
}

async function decideInForce(
  context: StepContext,
  batchId: string,
  looks: readonly Look[],
  { readAt, now, newRows = [] }: DecideRound,
  drift: readonly ReasonCount[],
) {
  const { session, configuration, mapping, execution } = context;
  let inserted: Awaited<ReturnType<typeof decideInsertions>> | undefined;
  const refusedRows: Reject[] = [];
  let unusable = rejectsOfReads(looks);
  const parts: { pushes: Decided[]; conflicts: number; held: number }[] = [];
  let circuitClosed = false;
  let heldDeletes = 0;
  await inOwnTransaction(session, configuration.settings.origins, async () => {
    await holdLease(session, mapping.object, execution);
    const heldBefore = await anyHeld(session, mapping.object);
    const work = (part: readonly Look[]) => decidePart(context, batchId, part, { readAt, now });
    parts.push(
      ...(await bisect(
        session,
        looks.filter(({ version }) => version !== undefined),
        work,
        async ({ id }, error) => {
          refusedRows.push(rejectOf({ id, code: error.code, reason: error.message }));
        },
      )),
    );
    const held = parts.reduce((sum, part) => sum + part.held, 0);
    heldDeletes = await countToTell(session, mapping.object, batchId, { before: heldBefore, held });
    const { stuck, gone } = await giveUpOn(context, [...refusedRows, ...unusable]);
    unusable = unusable.filter(({ salesforceId }) => !gone.has(salesforceId ?? ''));
    const report = (direction: RejectContext['direction'], rejects: readonly Reject[]) =>
      reportRejects(session, { object: mapping.object, direction, source: batchId, execution }, rejects);
    const outward = ({ salesforceId }: Reject) => stuck.has(salesforceId ?? '');
    await report('to-postgres', [...refusedRows, ...unusable.filter((reject) => !outward(reject))]);
    inserted = await decideInsertions(context, batchId, newRows, { readAt, now });
    await report('to-salesforce', [...unusable.filter(outward), ...inserted.rejects]);
    // Salesforce has answered the look. Whether it also takes what is sent, only the settled batch shows.
    const sendsNothing = inserted.pushes.length === 0 && parts.every((part) => part.pushes.length === 0);
    circuitClosed = sendsNothing && (await closeCircuit(session, mapping.object));
  });
  const joined = await inOwnTransaction(session, configuration.settings.origins, () => joinWaiting(context, batchId));
  const rejects = [...refusedRows, ...unusable, ...(inserted?.rejects ?? [])];
  // First what is told once: the machine keeps twenty.
  const reasons: ReasonCount[] = [...drift, ...reasonCounts(rejects)];
  const conflicts = parts.reduce((sum, part) => sum + part.conflicts, inserted?.conflicts ?? 0);
  const pushes = parts.flatMap((part) => part.pushes);
  const inserts = inserted?.pushes ?? [];
  const alsoDue = othersDue(mapping, joined, await dueChildren(session, configuration, mapping));
  return { pushes, inserts, conflicts, heldDeletes, rejected: rejects.length, reasons, circuitClosed, alsoDue };
}

async function decidePart(
  context: StepContext,
  batchId: string,
  looks: readonly Look[],
  { readAt, now }: { readonly readAt: Instant; readonly now: Instant },
) {
  const { session, configuration, mapping, execution } = context;
  const pairs = await lockPairs(
    context,
    looks.map(({ id }) => id),
  );
  const decisions = looks.flatMap(({ id, revision, version }) => {
    const pair = pairs.get(id);
    if (pair === undefined || version === undefined) return [];
    const look = { ...version, mergedInto: version.mergedInto };
    const clockSkew = configuration.settings.clockSkewSeconds * 1000;
    const decision = decide(mapping, pair, look, { revision, readAt, pushId: batchId, now, clockSkew });
    return [{ id, pair, decision, survivor: version.mergedInto }];
  });
  const guarded = await guardDeletes(context, decisions);
  const decided = guarded.flatMap(({ decision, ...record }) =>
    decision.outcome === 'left' ? [] : [{ ...record, decision }],
  );
  await writePairs(
    context,
    decided.map(({ pair, decision, survivor }) => ({ before: pair, link: decision.link, row: decision.row, survivor })),
  );
  const merges = decided.map(({ pair, decision: { link, row } }) => ({ pair, link, row }));
  await returnIds(context, merges);
  const conflicts = decided.flatMap(({ id, decision }) =>
    decision.conflicts.map((conflict) => ({ salesforceId: id, rowKey: decision.link.rowKey, conflict })),
  );
  await reportConflicts(session, mapping.object, execution, conflicts);
  const merged = decided.map(({ id }) => id);
  await resolveRejects(session, mapping.object, 'to-postgres', merged);
  const agreed = decided
    .filter(
      ({ decision }) => sidesAgree(mapping, decision) && keptBack(configuration, mapping, decision.row) === undefined,
    )
    .map(({ id }) => id);
  await resolveRejects(session, mapping.object, 'to-salesforce', agreed);
  const pushes = decided.flatMap(({ id, decision }) =>
    decision.outcome === 'push' ? [{ id, revision: decision.link.revision, push: decision.push }] : [],
  );
  const held = decided.filter(({ decision }) => decision.link.guard === 'held').length;
  return { pushes, conflicts: conflicts.length, held };
}

/** Nothing is left to send, nor left out because Salesforce refused it. */
function sidesAgree(mapping: ObjectMapping, { outcome, link, row }: Exclude<Decision, { outcome: 'left' }>): boolean {
  return outcome === 'done' && nothingRefused(mapping, { link, row });
}

export interface GivenUp {
  /** Ids of those that had something to send. */
  readonly stuck: ReadonlySet<string>;
  /** Ids of those that both sides wanted gone, and that are: no fault. */
  readonly gone: ReadonlySet<string>;
}

/**
 * Rejected records are no longer due; they are listed, and taken up again when the row or the record changes, or when
 * they are redriven. `accepted`: ids of those whose open push Salesforce has accepted.
 */
export async function giveUpOn(
  context: StepContext,
  rejects: readonly Reject[],
  accepted: ReadonlySet<string> = new Set(),
): Promise<GivenUp> {
  const { session, mapping } = context;
  const ids = rejects.flatMap(({ salesforceId }) => salesforceId ?? []);
  const pairs = await lockPairs(context, ids);
  await saveLinks(
    session,
    [...pairs.values()].map((pair) => ({ linkId: pair.linkId, link: giveUp(mapping, pair) })),
  );
  const missing = new Set(
    rejects.flatMap(({ code, salesforceId }) => (code === NOT_VISIBLE.code ? (salesforceId ?? []) : [])),
  );
  const gone = new Set(
    [...pairs].filter(([id, pair]) => missing.has(id) && mayBeMissing(pair, accepted.has(id))).map(([id]) => id),
  );
  await resolveRejects(session, mapping.object, 'to-salesforce', [...gone]);
  return { stuck: new Set([...pairs].filter(([, pair]) => anythingToSend(mapping, pair)).map(([id]) => id)), gone };
}

/** The look that was ordered for the sake of Salesforce's side alone sends nothing. */
function anythingToSend(mapping: ObjectMapping, { link, row }: Pair): boolean {
  return link.base !== undefined && isDue(mapping, { link: { ...link, rereadDue: false }, row });
}
