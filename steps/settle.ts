/** SETTLE for a batch, part by part, under the lease. */
import type { z } from 'zod';
import { isIdle, nothingRefused } from '../core/agreement/link.ts';
import { settle } from '../core/agreement/outbound.ts';
import { afterAttempt, outcomeOfPush, pushAgain } from '../core/agreement/push-outcome.ts';
import type { readLine } from '../core/contracts/inbound-tasks.ts';
import type { InsertionLook, InsertOutcome } from '../core/contracts/insertion-tasks.ts';
import type { OutcomeLine, PushLine } from '../core/contracts/outbound-tasks.ts';
import type { Reject } from '../core/contracts/rejects.ts';
import { isOfValue } from '../core/error-classification.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { versionOf } from '../core/mapping/salesforce-version.ts';
import { closeCircuit } from '../postgres/ledger/lease.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { resolveRejects } from '../postgres/ledger/rejects.ts';
import { giveUpOn, setAsideAll, type Unwritten } from './give-up.ts';
import { sentDrifted, typesIn } from './mapping-in-force/fields.ts';
import { settleInsertions } from './new-rows/settle-new-rows.ts';
import { inColumnsOf, rejectsOfLoss } from './pairs/column-values.ts';
import { lockPairs, type StoredPair } from './pairs/pairs.ts';
import { whyUnsendable } from './pairs/unsendable.ts';
import { writeMergedBatch } from './pairs/write-merged.ts';
import { isBusy, settlePauses, type Tried } from './push/pauses.ts';
import { runStep, type StepContext } from './step.ts';

type ReadBack = z.output<typeof readLine>;

export interface BatchAnswers {
  /** The API's answer for each record that went that way. */
  readonly outcomes: ReadonlyMap<string, OutcomeLine>;
  /** Rows that the flow's run failed to put; undefined: no run ended. */
  readonly flowFailures: number | undefined;
  /** What the read-back found of new rows, and the answers to their upserts by row key. */
  readonly newRows?: readonly InsertionLook[];
  readonly insertOutcomes?: ReadonlyMap<string, InsertOutcome>;
  readonly readAt: Instant;
  readonly now: Instant;
  /** Nothing of the batch is pushed again after this read-back. */
  readonly isLast?: boolean;
}

interface Part {
  readonly settled: number;
  /** Records that are not merged for the sake of a column. */
  readonly lost: readonly Reject[];
  readonly rejects: readonly Reject[];
  readonly readAgain: readonly { id: string; revision: number }[];
  readonly pushAgain: readonly { line: PushLine; revision: number }[];
  readonly tried: Tried;
}

/** Settles the records of a batch that were read back. A push of which something may still land stays open. */
export async function settleBatch(
  context: StepContext,
  batchId: string,
  readBacks: readonly ReadBack[],
  answers: BatchAnswers,
) {
  const { newRows = [], insertOutcomes = new Map<string, InsertOutcome>(), readAt } = answers;
  const types = typesIn([...answers.outcomes.values(), ...insertOutcomes.values()]);
  const request = {
    reporter: `settle ${batchId}`,
    fields: { read: [...readBacks, ...newRows, { types }] },
    lease: true,
    source: batchId,
    joins: [...readBacks.map(({ id }) => id), ...newRows.flatMap(({ version }) => version?.id ?? [])],
  };
  const {
    done,
    due: _,
    ...found
  } = await runStep(context, request, async (step) => {
    const found = readBacks.filter(({ version }) => version !== undefined);
    const { parts, refused, ...others } = await step.inParts(
      found,
      (part) => settlePart(step, batchId, part, answers),
      { done: ({ rejects }) => step.reject('to-salesforce', rejects) },
    );
    const later = [...others.locked, ...others.left].map(({ id }) => ({ salesforceId: id }));
    const lost = parts.flatMap((part) => part.lost);
    step.reject('to-postgres', lost);
    const readBack = new Map(found.map((line) => [line.id, line]));
    const last = { ...answers, isLast: true };
    const judged = (pair: StoredPair) => judge(step.mapping, batchId, pair, readBack.get(pair.link.salesforceId), last);
    await step.inTransaction(async () => {
      await setAsideAll(step, [...refused, ...lost], (pair) => unwritten(judged(pair)), answers);
      const heldOf = (pair: StoredPair) => (mayRestore(pair) ? undefined : unwritten(judged(pair)));
      const held = await setAsideAll(step, later, heldOf, { ...answers, again: true });
      const notTaken = held.filter((pair) => judged(pair)?.outcome === 'refused');
      step.reject(
        'to-salesforce',
        notTaken.map((pair) => refusal(pair, answers.outcomes.get(pair.link.salesforceId))),
      );
      const { listed } = await giveUpOn(
        step,
        readBacks,
        (pair) => ofUnread(step.mapping, batchId, pair, answers),
        answers,
      );
      const isRefused = ({ salesforceId }: Reject) => answers.outcomes.get(salesforceId ?? '')?.outcome === 'refused';
      // What Salesforce has refused stays so when the record can be read again.
      step.reject('to-postgres', listed.filter(isRefused));
      step.reject(
        'to-salesforce',
        listed.map((unread) =>
          isRefused(unread) ? { ...unread, ...answerOf(answers.outcomes.get(unread.salesforceId ?? '')) } : unread,
        ),
      );
    });
    const inserted = await settleInsertions(step, batchId, newRows, {
      outcomes: insertOutcomes,
      readAt,
      now: answers.now,
    });
    const tried = [...parts.map((part) => part.tried), inserted.tried];
    const inVain = tried.flatMap((each) => each.inVain);
    const answered = tried.some((each) => each.answered);
    const waiting = await step.inTransaction(() => settlePauses(step, batchId, { inVain, answered }, answers.now));
    const nothingTaken = inVain.length > 0 && !answered;
    return {
      settled: parts.reduce((sum, part) => sum + part.settled, inserted.adopted),
      readAgain: [...parts.flatMap((part) => part.readAgain), ...inserted.readAgain],
      pushAgain: parts.flatMap((part) => part.pushAgain),
      circuitClosed: !nothingTaken && (await step.inTransaction(() => closeCircuit(step.session, step.mapping.object))),
      ...(waiting && { waiting }),
    };
  });
  return { ...done, ...found };
}

async function settlePart(
  context: StepContext,
  batchId: string,
  readBacks: readonly ReadBack[],
  answers: BatchAnswers,
): Promise<Part> {
  const { session, mapping } = context;
  const pairs = await lockPairs(
    context,
    readBacks.map(({ id }) => id),
  );
  const read = readBacks.flatMap((line) => judge(mapping, batchId, pairs.get(line.id), line, answers) ?? []);
  const weighed = await inColumnsOf(context, read);
  const judged = weighed.items;
  const results = judged.flatMap(({ revision, outcome, ...record }) => {
    if (outcome === 'open' || outcome === 'push again') return [];
    const { pair, version } = record;
    return [
      { ...record, outcome, result: settle(mapping, pair, version, outcome, { revision, readAt: answers.readAt }) },
    ];
  });
  const settled = results.flatMap(({ result, ...record }) => {
    if (result.outcome !== 'settled') return [];
    const busy = isBusy(answers.outcomes.get(record.id));
    const link = afterAttempt(result.link, record.outcome, busy, answers.now);
    return [{ ...record, result: { ...result, link } }];
  });
  await writeMergedBatch(
    context,
    settled.map(({ pair: before, version, result: { link, row, conflicts: found } }) => {
      return { before, link, row, survivor: version.mergedInto, conflicts: found, isMerged: true };
    }),
  );
  const again = judged
    .filter(({ outcome }) => outcome === 'push again')
    .map((each) => ({ ...each, ...pushAgain(each.pair.link, answers.now, each.blamed) }));
  await saveLinks(
    session,
    again.map(({ pair: { linkId, stored }, link }) => ({ linkId, stored, link })),
  );
  const whole = settled.filter(
    ({ result }) => whyUnsendable(context, result.row) === undefined && nothingRefused(mapping, result),
  );
  const salesforceIds = whole.filter(({ outcome }) => outcome === 'accepted').map(({ id }) => id);
  await resolveRejects(session, { object: mapping.object, direction: 'to-salesforce', salesforceIds });
  const isRefused = new Set([
    ...settled.flatMap(({ id, outcome }) => (outcome === 'refused' ? id : [])),
    ...again.flatMap(({ id, blamed }) => (blamed === undefined ? [] : id)),
  ]);
  return {
    settled: settled.length,
    lost: rejectsOfLoss(weighed),
    rejects: judged
      .filter(({ id }) => isRefused.has(id))
      .map(({ id, pair }) => refusal(pair, answers.outcomes.get(id))),
    readAgain: results
      .filter(({ result }) => result.outcome === 'again')
      .map(({ id, pair }) => ({ id, revision: pair.link.revision })),
    tried: {
      inVain: settled
        .filter(({ pair, result: { link } }) => link.retries > pair.link.retries && !isIdle(link))
        .map(({ id, pair, result: { link } }) => ({ ...link, reject: refusal(pair, answers.outcomes.get(id)) })),
      answered: settled.some(({ outcome }) => outcome === 'accepted' || outcome === 'refused'),
    },
    pushAgain: again.map(({ id, link, fields }) => ({ line: { id, kind: 'update', fields }, revision: link.revision })),
  };
}

/** What is known of a record whose row is not written now; undefined: its push is not over, or is to go once more. */
function unwritten(judged: Judged | undefined): Unwritten | undefined {
  return judged === undefined || judged.outcome === 'open' || judged.outcome === 'push again'
    ? undefined
    : { version: judged.version, outcome: judged.outcome };
}

/**
 * A file has shown an edit which the push may have gone over: only a merge that may write the row puts it back, so the push stays open
 * until the row is free.
 */
function mayRestore({ link: { push } }: StoredPair): boolean {
  return Object.values(push?.seen ?? {}).some(({ sure }) => sure);
}

type Judged = NonNullable<ReturnType<typeof judge>>;

/** How the push of this batch has ended for a record; undefined: its push is another one by now, or was not read back. */
function judge(
  mapping: ObjectMapping,
  batchId: string,
  pair: StoredPair | undefined,
  readBack: ReadBack | undefined,
  answers: BatchAnswers,
) {
  if (readBack?.version === undefined || pair?.link.push?.id !== batchId) return undefined;
  const { id, revision } = readBack;
  const version = versionOf(readBack.version);
  const line = answers.outcomes.get(id);
  const blamed = answers.isLast === true ? undefined : blamedBy(line);
  const outcome = outcomeOfPush(pair.link, version, {
    answer: line?.outcome,
    flowFailures: answers.flowFailures,
    isWithdrawn: line !== undefined && sentDrifted(mapping, pair.link.push.sent, line),
    blamed,
  });
  return { id, pair, revision, version, outcome, blamed };
}

/** The field without which Salesforce may take the record that it has refused. */
function blamedBy(line: OutcomeLine | undefined): string | undefined {
  return line?.outcome === 'refused' && isOfValue(line.code ?? '') ? line.field : undefined;
}

/** The same where the read-back shows nothing. A run of the flow says nothing of one record by itself. */
function ofUnread(mapping: ObjectMapping, batchId: string, { link }: StoredPair, { outcomes }: BatchAnswers) {
  if (link.push?.id !== batchId) return 'left';
  const line = outcomes.get(link.salesforceId);
  return line !== undefined && sentDrifted(mapping, link.push.sent, line)
    ? 'not applied'
    : (line?.outcome ?? 'unknown');
}

function refusal({ link: { salesforceId, rowKey } }: StoredPair, answer: OutcomeLine | undefined): Reject {
  return { salesforceId, rowKey, ...answerOf(answer), line: undefined };
}

function answerOf(answer: OutcomeLine | undefined): Pick<Reject, 'field' | 'code' | 'reason'> {
  const { field, code = 'UNKNOWN', reason = 'Salesforce gave no reason.' } = answer ?? {};
  return { field, code, reason };
}
