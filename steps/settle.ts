/** SETTLE for a batch, in one transaction under the lease. */
import type { z } from 'zod';
import type { Outcome } from '../core/agreement/outbound.ts';
import { outcomeOfRun, pushAgain, settle } from '../core/agreement/outbound.ts';
import type { ReasonCount, readLine } from '../core/contracts/inbound-tasks.ts';
import type { InsertionLook, InsertOutcome } from '../core/contracts/insertion-tasks.ts';
import type { OutcomeLine, PushLine } from '../core/contracts/outbound-tasks.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { withoutFields } from '../core/mapping/drift.ts';
import type { Instant } from '../core/mapping/instant.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { closeCircuit, holdLease } from '../postgres/ledger/lease.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { dueChildren } from '../postgres/ledger/mark-due.ts';
import type { Reject } from '../postgres/ledger/rejects.ts';
import {
  rejectOf,
  rejectsOfReads,
  reportConflicts,
  reportRejects,
  resolveRejects,
} from '../postgres/ledger/rejects.ts';
import { inOwnTransaction } from '../postgres/session/origin.ts';
import { bisect } from '../postgres/session/savepoint.ts';
import { reasonCounts } from './apply.ts';
import { giveUpOn } from './decide.ts';
import { withColumns } from './mapping-in-force/columns.ts';
import { leftOutOfRead, sentDrifted, typesIn } from './mapping-in-force/fields.ts';
import { settleInsertions } from './new-rows.ts';
import { returnIds } from './pairs/adoption.ts';
import { lockPairs, type StoredPair, writePairs } from './pairs/pairs.ts';
import { keptBack } from './pairs/unsendable.ts';
import { joinWaiting } from './parents/join-waiting.ts';
import type { StepContext } from './step.ts';

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
}

interface Part {
  readonly settled: number;
  readonly conflicts: number;
  readonly rejects: readonly Reject[];
  readonly readAgain: readonly { id: string; revision: number }[];
  readonly pushAgain: readonly { line: PushLine; revision: number }[];
}

/** Settles the records of a batch that were read back. A record whose outcome is unknown keeps its push open. */
export async function settleBatch(
  context: StepContext,
  batchId: string,
  readBacks: readonly ReadBack[],
  answers: BatchAnswers,
) {
  const step = `settle ${batchId}`;
  const answered = [...answers.outcomes.values(), ...(answers.insertOutcomes?.values() ?? [])];
  const told = [...readBacks, ...(answers.newRows ?? []), { types: typesIn(answered) }];
  return withColumns(context, step, async ({ reasons, ...columns }) => {
    const read = await leftOutOfRead(context, told, step);
    const fitted = { ...columns, mapping: withoutFields(columns.mapping, read.leftOut) };
    return settleInForce(fitted, batchId, readBacks, answers, [...read.reasons, ...reasons]);
  });
}

async function settleInForce(
  context: StepContext,
  batchId: string,
  readBacks: readonly ReadBack[],
  answers: BatchAnswers,
  drift: readonly ReasonCount[],
) {
  const { session, configuration, mapping, execution } = context;
  const parts: Part[] = [];
  const refusedRows: Reject[] = [];
  let rejects = rejectsOfReads(readBacks);
  let inserted: Awaited<ReturnType<typeof settleInsertions>> | undefined;
  let circuitClosed = false;
  await inOwnTransaction(session, configuration.settings.origins, async () => {
    await holdLease(session, mapping.object, execution);
    const found = readBacks.filter(({ version }) => version !== undefined);
    const work = (part: readonly ReadBack[]) => settlePart(context, batchId, part, answers);
    parts.push(
      ...(await bisect(session, found, work, async ({ id }, error) => {
        refusedRows.push(rejectOf({ id, code: error.code, reason: error.message }));
      })),
    );
    const accepted = new Set(
      [...answers.outcomes.values()].flatMap((line) => (line.outcome === 'accepted' ? line.id : [])),
    );
    const { gone } = await giveUpOn(context, [...refusedRows, ...rejects], accepted);
    rejects = rejects.filter(({ salesforceId }) => !gone.has(salesforceId ?? ''));
    const { newRows = [], insertOutcomes = new Map(), readAt } = answers;
    inserted = await settleInsertions(context, batchId, newRows, { outcomes: insertOutcomes, readAt });
    rejects.push(...parts.flatMap((part) => part.rejects), ...inserted.rejects);
    const origin = { object: mapping.object, source: batchId, execution };
    await reportRejects(session, { ...origin, direction: 'to-postgres' }, refusedRows);
    await reportRejects(session, { ...origin, direction: 'to-salesforce' }, rejects);
    rejects.push(...refusedRows);
    circuitClosed = await closeCircuit(session, mapping.object);
  });
  await inOwnTransaction(session, configuration.settings.origins, () => joinWaiting(context, batchId));
  return {
    settled: parts.reduce((sum, part) => sum + part.settled, inserted?.adopted ?? 0),
    conflicts: parts.reduce((sum, part) => sum + part.conflicts, inserted?.conflicts ?? 0),
    rejected: rejects.length,
    reasons: [...drift, ...reasonCounts(rejects)],
    readAgain: [...parts.flatMap((part) => part.readAgain), ...(inserted?.readAgain ?? [])],
    pushAgain: parts.flatMap((part) => part.pushAgain),
    circuitClosed,
    alsoDue: await dueChildren(session, configuration, mapping),
  };
}

async function settlePart(
  context: StepContext,
  batchId: string,
  readBacks: readonly ReadBack[],
  answers: BatchAnswers,
): Promise<Part> {
  const { session, configuration, mapping, execution } = context;
  const pairs = await lockPairs(
    context,
    readBacks.map(({ id }) => id),
  );
  const open = readBacks.flatMap(({ id, revision, version }) => {
    const pair = pairs.get(id);
    const mine = pair?.link.push?.id === batchId;
    return mine && version !== undefined
      ? [{ id, pair, revision, version: { ...version, mergedInto: version.mergedInto } }]
      : [];
  });
  const judged = open.map((record) => ({
    ...record,
    outcome: outcomeOf(mapping, record.pair, record.version, answers),
  }));
  const results = judged.flatMap(({ id, pair, revision, version, outcome }) =>
    outcome === 'unknown' || outcome === 'push again'
      ? []
      : [
          {
            id,
            pair,
            version,
            outcome,
            result: settle(mapping, pair, version, outcome, { revision, readAt: answers.readAt }),
          },
        ],
  );
  const settled = results.flatMap(({ id, pair, version, outcome, result }) =>
    result.outcome === 'settled' ? [{ id, pair, version, outcome, result }] : [],
  );
  await writePairs(
    context,
    settled.map(({ pair, version, result }) => {
      return { before: pair, link: result.link, row: result.row, survivor: version.mergedInto };
    }),
  );
  const merges = settled.map(({ pair, result: { link, row } }) => ({ pair, link, row }));
  await returnIds(context, merges);
  const again = judged
    .filter(({ outcome }) => outcome === 'push again')
    .map(({ id, pair }) => ({ id, pair, ...pushAgain(pair.link, answers.now) }));
  await saveLinks(
    session,
    again.map(({ pair, link }) => ({ linkId: pair.linkId, link })),
  );

  const conflicts = settled.flatMap(({ id, result }) =>
    result.conflicts.map((conflict) => ({ salesforceId: id, rowKey: result.link.rowKey, conflict })),
  );
  await reportConflicts(session, mapping.object, execution, conflicts);
  const whole = settled.filter(({ result }) => keptBack(configuration, mapping, result.row) === undefined);
  const accepted = whole.filter(({ outcome }) => outcome === 'accepted').map(({ id }) => id);
  await resolveRejects(session, mapping.object, 'to-salesforce', accepted);
  const merged = settled.map(({ id }) => id);
  await resolveRejects(session, mapping.object, 'to-postgres', merged);
  return {
    settled: settled.length,
    conflicts: conflicts.length,
    rejects: settled
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ id, pair }) => refusal(pair, answers.outcomes.get(id))),
    readAgain: results
      .filter(({ result }) => result.outcome === 'again')
      .map(({ id, pair }) => ({ id, revision: pair.link.revision })),
    pushAgain: again.map(({ id, link, fields }) => ({ line: { id, kind: 'update', fields }, revision: link.revision })),
  };
}

function outcomeOf(
  mapping: ObjectMapping,
  pair: StoredPair,
  version: SalesforceVersion,
  answers: BatchAnswers,
): Outcome | 'push again' {
  const { push } = pair.link;
  const line = answers.outcomes.get(pair.link.salesforceId);
  const answer = line?.outcome;
  if (push === undefined) return 'unknown';
  if (line !== undefined && sentDrifted(mapping, push.sent, line)) return 'not applied';
  if (answer !== undefined || push.delivery === 'api') return answer ?? 'unknown';
  return answers.flowFailures === undefined ? 'unknown' : outcomeOfRun(pair.link, version, answers.flowFailures);
}

function refusal({ link }: StoredPair, answer: OutcomeLine | undefined): Reject {
  return {
    salesforceId: link.salesforceId,
    rowKey: link.rowKey,
    field: answer?.field,
    code: answer?.code ?? 'UNKNOWN',
    reason: answer?.reason ?? 'Salesforce gave no reason.',
    line: undefined,
  };
}
