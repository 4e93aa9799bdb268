/** DECIDE for a batch, part by part, under the lease. */
import type { z } from 'zod';
import { type Link, nothingRefused, type Pair } from '../core/agreement/link.ts';
import type { Decision, Push } from '../core/agreement/outbound.ts';
import { decide } from '../core/agreement/outbound.ts';
import { waitForChildren } from '../core/agreement/references.ts';
import type { readLine } from '../core/contracts/inbound-tasks.ts';
import type { InsertionLook } from '../core/contracts/insertion-tasks.ts';
import type { Reject } from '../core/contracts/rejects.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { versionOf } from '../core/mapping/salesforce-version.ts';
import { anyHeld } from '../postgres/ledger/held-deletes.ts';
import { closeCircuit } from '../postgres/ledger/lease.ts';
import { putOffLinks } from '../postgres/ledger/put-off.ts';
import { resolveRejects } from '../postgres/ledger/rejects.ts';
import { guardDeletes, heldToReport } from './delete-guard.ts';
import { giveUpOn, setAsideAll } from './give-up.ts';
import { decideInsertions } from './new-rows/decide-new-rows.ts';
import { finishAdoptions } from './pairs/adoption.ts';
import { inColumnsOf, rejectsOfLoss } from './pairs/column-values.ts';
import { lockPairs } from './pairs/pairs.ts';
import { findRows, isUnpaired } from './pairs/unpaired.ts';
import { whyUnsendable } from './pairs/unsendable.ts';
import { writeMergedBatch } from './pairs/write-merged.ts';
import { waitingForChildren } from './parents/freed-children.ts';
import { wakeChildren } from './parents/wake-children.ts';
import { LISTED_AFTER } from './push/pauses.ts';
import { rejectOfRow } from './refused-row.ts';
import { runStep, type StepContext } from './step.ts';

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
  const { newRows = [] } = round;
  const request = {
    reporter: `decide ${batchId}`,
    fields: { read: [...looks, ...newRows] },
    lease: true,
    source: batchId,
    joins: [...looks.map(({ id }) => id), ...newRows.flatMap(({ version }) => version?.id ?? [])],
  };
  const {
    done,
    due: _,
    ...found
  } = await runStep(context, request, async (step) => {
    const { session, mapping } = step;
    const heldBefore = await anyHeld(session, mapping.object);
    const found = looks.filter(({ version }) => version !== undefined);
    const { parts, refused, ...others } = await step.inParts(found, (part) => decidePart(step, batchId, part, round));
    const held = parts.reduce((sum, part) => sum + part.held, 0);
    const later = [...others.locked, ...others.left].map(({ id }) => id);
    const lost = parts.flatMap((part) => part.lost);
    step.reject('to-postgres', lost);
    const looked = new Map(found.map(({ id, version }) => [id, version]));
    const unwritten = ({ link }: Pair) => {
      const version = looked.get(link.salesforceId);
      const outcome = link.push === undefined ? undefined : ('unknown' as const);
      return version && { version: versionOf(version), outcome };
    };
    const ofOpen = ({ link }: Pair) => (link.push === undefined ? undefined : ('unknown' as const));
    const heldDeletes = await step.inTransaction(async () => {
      const locked = await putOffLinks(session, mapping.object, later, round.now);
      step.reject('to-salesforce', locked.flatMap(rejectOfLock));
      await setAsideAll(step, [...refused, ...lost], unwritten, round);
      const { stuck, listed } = await giveUpOn(step, looks, ofOpen, round);
      const isStuck = ({ salesforceId }: Reject) => stuck.has(salesforceId ?? '');
      step.reject(
        'to-postgres',
        listed.filter((reject) => !isStuck(reject)),
      );
      step.reject('to-salesforce', listed.filter(isStuck));
      return heldToReport(session, mapping.object, batchId, { before: heldBefore, held });
    });
    const inserted = await decideInsertions(step, batchId, newRows, round);

    const pushes = parts.flatMap((part) => part.pushes);
    // Salesforce has answered the look. Whether it also takes what is sent, only the settled batch shows.
    const sendsNothing = inserted.pushes.length === 0 && pushes.length === 0;
    return {
      pushes,
      inserts: inserted.pushes,
      heldDeletes,
      circuitClosed: sendsNothing && (await step.inTransaction(() => closeCircuit(session, mapping.object))),
    };
  });
  return { ...done, ...found };
}

async function decidePart(context: StepContext, batchId: string, looks: readonly Look[], { readAt, now }: DecideRound) {
  const { session, configuration, mapping } = context;
  const { pairs, adoptable, refused } = await pairsOf(context, looks);
  const clockSkew = configuration.settings.clockSkewSeconds * 1000;
  const read = looks.flatMap(({ id, revision, version }) => {
    const pair = pairs.get(id);
    if (pair === undefined || version === undefined || refused.has(id)) return [];
    return [{ id, pair, revision, version: versionOf(version) }];
  });
  const weighed = await inColumnsOf(context, read);
  const decisions = weighed.items.map(({ id, pair, revision, version: look }) => {
    const decision = decide(mapping, pair, look, { revision, readAt, pushId: batchId, now, clockSkew });
    return { id, pair, decision, survivor: look.mergedInto };
  });
  const guarded = await guardDeletes(context, await withoutEarlyDeletes(context, decisions));
  const decided = guarded.flatMap(({ decision, ...record }) =>
    decision.outcome === 'left' ? [] : [{ ...record, decision }],
  );
  await writeMergedBatch(
    context,
    decided.map(({ pair: before, decision: { link, row, conflicts: found }, survivor }) => {
      return { before, link, row, survivor, conflicts: found, isMerged: true };
    }),
  );
  await finishAdoptions(
    context,
    decided.flatMap(({ id, decision: { link, row } }) => {
      const adopting = adoptable.get(id);
      return adopting === undefined || adopting.done ? [] : { link, row, insertionId: adopting.insertionId };
    }),
  );
  const agreed = decided.filter(
    ({ decision }) => sidesAgree(mapping, decision) && whyUnsendable(context, decision.row) === undefined,
  );
  const salesforceIds = agreed.map(({ id }) => id);
  await resolveRejects(session, { object: mapping.object, direction: 'to-salesforce', salesforceIds });
  return {
    pushes: decided.flatMap(({ id, decision }): Decided[] =>
      decision.outcome === 'push' ? [{ id, revision: decision.link.revision, push: decision.push }] : [],
    ),
    lost: [...rejectsOfLoss(weighed), ...[...refused].map(([id, error]) => rejectOfRow(mapping, id, error))],
    held: decided.filter(({ decision }) => decision.link.guard === 'held').length,
  };
}

/**
 * The pairs of the records, locked. A record that is due and has no row, for another transaction held it when a file showed the
 * record, gets the one that is its, as it would from a file.
 */
async function pairsOf(context: StepContext, looks: readonly Look[]) {
  const { session, configuration, mapping } = context;
  const ids = looks.map(({ id }) => id);
  const pairs = await lockPairs(context, ids);
  const candidates = looks.flatMap(({ id, version }) => {
    const pair = pairs.get(id);
    if (pair === undefined || version === undefined || version.deleted || !isUnpaired(pair)) return [];
    return [{ version: versionOf(version), pair }];
  });
  const { adoptable, matched, refused } = await findRows(context, candidates);
  for (const [id, pair] of await lockPairs(context, matched)) pairs.set(id, pair);
  const parents = matched.flatMap((id) => pairs.get(id)?.link.rowKey ?? []);
  await wakeChildren(session, configuration, mapping, parents);
  for (const [id, { pair }] of adoptable) if (pair.linkId !== undefined) pairs.set(id, pair);
  return { pairs, adoptable, refused };
}

/** What another transaction of the database has held in several attempts is listed. */
function rejectOfLock({ salesforceId, rowKey, retries }: Link): Reject[] {
  if (retries < LISTED_AFTER) return [];
  const reason =
    'Another transaction of the database has held the row, or what it refers to, for over a minute: look for a transaction that was left open. It stays due, and is tried again at pauses of up to five minutes.';
  return [{ salesforceId, rowKey, field: undefined, code: 'ROW_LOCKED', reason, line: undefined, isTriedAgain: true }];
}

/** A delete of a parent whose children are to be freed first is left to the next round, which puts it off (choose.ts). */
async function withoutEarlyDeletes<T extends { readonly id: string; readonly pair: Pair; readonly decision: Decision }>(
  context: StepContext,
  decisions: readonly T[],
): Promise<readonly T[]> {
  const doomed = decisions.flatMap(({ id, pair, decision }) => {
    const deletes = decision.outcome === 'push' && decision.push.outgoing.kind === 'delete';
    return deletes && waitForChildren(pair.link, 0) !== undefined ? { id, rowKey: pair.link.rowKey } : [];
  });
  const waiting = await waitingForChildren(context, doomed);
  if (waiting.size === 0) return decisions;
  return decisions.map((each) => (waiting.has(each.id) ? { ...each, decision: { outcome: 'left' } } : each));
}

/** Nothing is left to send, nor left out because Salesforce refused it. */
function sidesAgree(mapping: ObjectMapping, { outcome, link, row }: Exclude<Decision, { outcome: 'left' }>): boolean {
  return outcome === 'done' && nothingRefused(mapping, { link, row });
}
