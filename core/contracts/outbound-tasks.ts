/** Inputs and outputs of the Lambdas of `postgres-to-salesforce`. Data travels by S3 key, never in the state payload. */
import { z } from 'zod';
import { comparisonReport } from './comparison.ts';
import { reasonCount, typeCheck } from './inbound-tasks.ts';

const count = z.int().min(0);
const fieldValues = z.record(z.string(), z.union([z.string(), z.boolean(), z.null()]));

/** What starts the machine. `schedule` also probes Salesforce while the object's circuit is open. */
export const outboundInput = z.strictObject({ object: z.string(), trigger: z.enum(['changes', 'schedule']) });

export const collectChangesInput = z.strictObject({
  object: z.string(),
  trigger: z.enum(['changes', 'schedule']),
  /** ARN of the execution: the holder of the lease. */
  execution: z.string(),
  /** Batches that this execution has done. */
  batches: count,
  /** No run of the object's outbound flow is in progress, as seen by this execution while it held the lease. */
  fenced: z.boolean(),
});
/** Rows that are listed from now on, for they hold what cannot be sent; absent: none. */
const newRejects = { rejected: count.optional(), reasons: z.array(reasonCount).optional() };

export const collectChangesOutput = z.discriminatedUnion('next', [
  z.strictObject({
    next: z.literal('push'),
    batchId: z.string(),
    /** JSON lines of `recordToRead`. */
    recordsKey: z.string(),
    records: count,
    ...newRejects,
  }),
  /** Nothing to push, but new rejects to report. The lease is held, and there may be more to do. */
  z.strictObject({ next: z.literal('report'), ...newRejects }),
  /** A push of an earlier execution may still be under way: wait until no run of the flow is in progress, ask again. */
  z.strictObject({ next: z.literal('fence') }),
  /** The execution has done enough batches; a `Changes available` event starts the next one. */
  z.strictObject({ next: z.literal('hand over') }),
  z.strictObject({
    next: z.literal('end'),
    reason: z.enum(['nothing due', 'held by another execution', 'circuit open']),
  }),
]);

export const decideChangesInput = z.strictObject({
  object: z.string(),
  execution: z.string(),
  batchId: z.string(),
  versionsKey: z.string(),
  readAt: z.iso.datetime(),
});
export const decideChangesOutput = z.strictObject({
  batchId: z.string(),
  /** JSON lines of `recordToRead`: what was pushed and has to be read back; absent: nothing to push. */
  pushedKey: z.string().optional(),
  /** The CSV that lies ready for the outbound flow. */
  csvKey: z.string().optional(),
  /** JSON lines of `pushLine`: updates and revives. */
  updatesKey: z.string().optional(),
  /** JSON lines of `pushLine`: deletes and purges. */
  deletesKey: z.string().optional(),
  /** The push deadline, for the steps that send to the API. */
  notAfter: z.iso.datetime(),
  pushed: count,
  conflicts: count,
  rejected: count,
  reasons: z.array(reasonCount),
  /** Salesforce answered and there was nothing to push, and so the object's circuit was closed. */
  circuitClosed: z.boolean(),
  /** Other objects with due records: their parents have got a Salesforce id or a row, or children that held them have gone. */
  alsoDue: z.array(z.string()).optional(),
  /** Deletes that are held from now on and to be reported; absent: none. */
  heldDeletes: z.int().min(1).optional(),
});

export const pushLine = z.strictObject({
  id: z.string(),
  kind: z.enum(['update', 'delete', 'purge', 'revive']),
  /** Canonical values; empty for a delete or purge. */
  fields: fieldValues,
  /** The org in which it was decided, and to which alone it may be sent; the first line holds it for all of them. */
  org: z.string().optional(),
});
export type PushLine = Readonly<z.output<typeof pushLine>>;

export const pushRecordsInput = z.strictObject({
  object: z.string(),
  /** JSON lines of `pushLine`. */
  pushKey: z.string(),
  /** No request is sent after this moment: a push has an end that others can wait for (also when redriven late). */
  notAfter: z.iso.datetime(),
  execution: z.string(),
});
export const pushRecordsOutput = z.strictObject({
  /** JSON lines of `outcomeLine`, one for each record. */
  outcomesKey: z.string(),
});

export const outcomeLine = z.strictObject({
  id: z.string(),
  outcome: z.enum(['accepted', 'refused', 'not applied', 'unknown']),
  code: z.string().optional(),
  reason: z.string().optional(),
  field: z.string().optional(),
  /** Of a refused record: what Salesforce answered about the types of fields that it was sent. */
  types: typeCheck,
});
export type OutcomeLine = Readonly<z.output<typeof outcomeLine>>;

export const settleBatchInput = z.strictObject({
  object: z.string(),
  execution: z.string(),
  batchId: z.string(),
  versionsKey: z.string(),
  readAt: z.iso.datetime(),
  /** Answers of the API, all pushes of the batch. */
  outcomesKeys: z.array(z.string()),
  /** Rows that the flow's run failed to put; absent: no run. A run that did not succeed counts as one failure. */
  flowFailures: count.optional(),
  /** 1, 2, 3: how often this batch was read back. */
  attempt: count,
});
export const settleBatchOutput = z.strictObject({
  settled: count,
  /** The batch went through, and so the object's circuit was closed. */
  circuitClosed: z.boolean().optional(),
  rejected: count,
  conflicts: count,
  reasons: z.array(reasonCount),
  /** Other objects with due records: their parents have got a Salesforce id. */
  alsoDue: z.array(z.string()).optional(),
  /** Records whose link has changed since the read-back began: read them back again. */
  readAgainKey: z.string().optional(),
  /** JSON lines of `pushLine`: rows that the flow may have failed to put, to be pushed once more through the API. */
  pushAgainKey: z.string().optional(),
  /** Records that have been tried in vain for a while and are to be notified now. */
  waiting: z.strictObject({ records: count, answers: z.array(reasonCount) }).optional(),
  /** The push deadline of `pushAgainKey`. */
  notAfter: z.iso.datetime().optional(),
  /** JSON lines of `recordToRead` for `pushAgainKey`: to be read back once they are pushed. */
  pushedAgainKey: z.string().optional(),
  attempt: count,
});

export const openCircuitInput = z.strictObject({
  object: z.string(),
  execution: z.string(),
  error: z.string(),
  cause: z.string(),
});
export const openCircuitOutput = z.strictObject({
  /** false: it was open already, and the operator is not notified again. */
  opened: z.boolean(),
});

/** What the operator is notified of. Keys, field names, counts and codes; never values. */
export const notice = z.discriminatedUnion('about', [
  z.strictObject({
    about: z.literal('file'),
    object: z.string(),
    key: z.string(),
    execution: z.string(),
    rejected: count,
    conflicts: count,
    reasons: z.array(reasonCount),
  }),
  z.strictObject({
    about: z.literal('batch'),
    object: z.string(),
    execution: z.string(),
    rejected: count,
    conflicts: count,
    reasons: z.array(reasonCount),
  }),
  z.strictObject({
    about: z.literal('sweep'),
    object: z.string(),
    execution: z.string(),
    full: z.boolean(),
    inserted: count,
    updated: count,
    deleted: count,
    rejected: count,
    conflicts: count,
    reasons: z.array(reasonCount),
  }),
  z.strictObject({
    about: z.literal('comparison'),
    object: z.string(),
    execution: z.string(),
    ...comparisonReport.shape,
  }),
  z.strictObject({
    about: z.literal('circuit'),
    object: z.string(),
    execution: z.string(),
    state: z.enum(['open', 'closed']),
    reason: z.string().optional(),
  }),
  z.strictObject({
    about: z.literal('deletes held'),
    object: z.string(),
    execution: z.string(),
    /** So far: further ones are not reported. */
    records: count,
  }),
  z.strictObject({
    about: z.literal('table locked'),
    object: z.string(),
    execution: z.string(),
  }),
  z.strictObject({
    about: z.literal('waiting'),
    object: z.string(),
    execution: z.string(),
    records: count,
    /** What Salesforce answers. */
    answers: z.array(reasonCount),
  }),
  z.strictObject({
    about: z.literal('failed execution'),
    execution: z.string(),
    stateMachine: z.string(),
    status: z.string(),
    /** The execution's input as text: names the file or the object. */
    input: z.string().nullish(),
    error: z.string().nullish(),
    cause: z.string().nullish(),
  }),
]);
export type Notice = Readonly<z.output<typeof notice>>;
