/**
 * Collect changes: takes the object's lease, receives its queue into the ledger, and chooses a batch of what is due. From the
 * moment a message is deleted Postgres is the list of what is due: nothing is lost if this execution dies.
 */
import type { z } from 'zod';
import type { Storage } from '../aws/storage.ts';
import { WAITED_FOR_MS } from '../core/agreement/due.ts';
import type { collectChangesInput, collectChangesOutput } from '../core/contracts/outbound-tasks.ts';
import { type Reject, reasonCounts } from '../core/contracts/rejects.ts';
import {
  archiveKey,
  batchIdOf,
  executionName,
  formerOutboundFolder,
  outboundFolder,
  workKey,
} from '../core/contracts/storage-layout.ts';
import { failpoint } from '../core/failpoint.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { anyDue, anyOpenFlowPush, isPutOff } from '../postgres/ledger/due.ts';
import { freeLease, takeLease } from '../postgres/ledger/lease.ts';
import { retainedWalBytes } from '../postgres/prepare/retained-wal.ts';
import { chooseRecords } from './choose.ts';
import { confirmHeldReport } from './delete-guard.ts';
import { joinedFields, joinNext } from './mapping-in-force/joins.ts';
import { chooseNewRows } from './new-rows/choose-new-rows.ts';
import { type Received, type ReceivePorts, receive } from './receive.ts';
import type { StepContext } from './step.ts';

/** How long the queue is watched when nothing is due: a burst of edits then stays with one execution. */
const WATCH_SECONDS = 3;
/** A short poll may overlook messages; one second makes SQS ask all its servers. */
const LAST_LOOK_SECONDS = 1;
/**
 * How long one call looks for work. Rows that are written all the time in columns that are not mapped, or a transaction that
 * stays invisible, would otherwise keep it until the Lambda's timeout fails the execution.
 */
const LOOK_FOR_MS = 60_000;
/** Through AppFlow the window between look and write is a whole run: the larger the batch, the longer. */
const LARGEST_BATCH = { appflow: 2000, api: 10_000 } as const;
/** Records that are risked on a Salesforce that was away. */
const PROBE_RECORDS = 10;

export interface CollectPorts extends ReceivePorts {
  readonly storage: Storage;
  /** Whether an execution runs that holds the lease. */
  readonly isRunning: (execution: string) => Promise<boolean>;
  readonly now: () => Instant;
}

type Input = Pick<z.output<typeof collectChangesInput>, 'trigger' | 'batches' | 'fenced'>;
export type Collected = z.input<typeof collectChangesOutput>;

/** A call under way. */
interface Collecting {
  readonly context: StepContext;
  readonly ports: CollectPorts;
  readonly input: Input;
  /** Salesforce was away, and a few records are risked. */
  readonly probing: boolean;
  /** Rejects that are new, to be reported with the answer. */
  readonly newRejects: Reject[];
}

export async function collectChanges(context: StepContext, ports: CollectPorts, input: Input): Promise<Collected> {
  const { session, configuration, mapping, execution } = context;
  const { object } = mapping;
  const { trigger, batches } = input;
  const lookUntil = ports.now() + LOOK_FOR_MS;
  // The metric behind the WAL alarm: measured here, for it matters most while the streamer is down.
  if (trigger === 'schedule' && batches === 0) {
    ports.log.info('slot', { retainedWalBytes: await retainedWalBytes(session) });
  }
  const lease = await takeLease(session, object, execution, ports.isRunning);
  if (lease === undefined) return { next: 'end', reason: 'held by another execution' };
  failpoint('collect:lease-taken');
  if (await confirmHeldReport(session, object, execution)) {
    ports.log.warn('deletes are held, and the execution that held them ended before it reported them', { object });
  }
  const probing = lease.circuit === 'open';
  const collecting: Collecting = { context, ports, input, probing, newRejects: [] };
  const { emptied } = await receiveAll(collecting, { waitSeconds: probing ? 1 : 0, lease: true });
  if (probing && (trigger !== 'schedule' || batches > 0)) {
    await freeLease(session, object, execution, { emptied });
    return { next: 'end', reason: 'circuit open' };
  }
  if (batches >= configuration.settings.batchesPerExecution) return handOver(context);
  for (;;) {
    if (!probing) {
      const joined = await joinedFields(context);
      if (joined.length > 0) return { next: 'report', rejected: 0, reasons: joined };
    }
    const chosen = await chooseBatch(collecting);
    if (chosen !== undefined) return chosen;
    if (!probing && ports.now() <= lookUntil && !(await joinNext(context)).isDone) continue;
    if (ports.now() > lookUntil) return handOver(context);
    if (await watch(collecting, lookUntil)) continue;
    const ended = await endUnlessDue(collecting);
    if (ended !== undefined) return ended;
  }
}

/** What is to be done next; undefined: nothing is due. */
async function chooseBatch(collecting: Collecting): Promise<Collected | undefined> {
  const { context, ports, input, probing, newRejects } = collecting;
  const { session, configuration, mapping, execution } = context;
  const mustFence = !input.fenced && (await anyOpenFlowPush(session, mapping.object));
  await removeStrayFiles(ports.storage, mapping.object);
  if (newRejects.length > 0) return { next: 'report', ...reported(newRejects) };
  if (mustFence) return { next: 'fence' };
  if (await isPutOff(session, mapping.object)) return undefined;
  const { batchRecords } = configuration.settings;
  const limit = probing ? PROBE_RECORDS : Math.min(batchRecords, LARGEST_BATCH[mapping.delivery]);
  const records = await chooseDue(collecting, limit);
  const newRows = await chooseNewRows(context, limit - records.due.length);
  newRejects.push(...records.newRejects, ...newRows.newRejects);
  const lines = [...records.due, ...newRows.due];
  if (lines.length === 0) return newRejects.length === 0 ? undefined : { next: 'report', ...reported(newRejects) };
  const batchId = batchIdOf(execution, input.batches);
  const recordsKey = workKey(executionName(execution), `batch-${input.batches}.jsonl`);
  await ports.storage.writeLines(recordsKey, lines);
  ports.log.info('batch collected', { batchId, records: records.due.length, newRows: newRows.due.length });
  return { next: 'push', batchId, recordsKey, records: lines.length, ...reported(newRejects) };
}

/**
 * Where a batch has room, nothing waits behind it, and a field that is joining goes on with it: an object that is edited all the
 * time is never without anything due.
 */
async function chooseDue({ context, input, probing }: Collecting, limit: number) {
  const limits = { limit, flowFenced: input.fenced };
  const records = await chooseRecords(context, limits);
  if (probing || records.due.length === 0 || records.due.length >= limit) return records;
  const { marked } = await joinNext(context);
  if (marked === 0) return records;
  // What is to be read again has another revision now.
  const { due, newRejects } = await chooseRecords(context, limits);
  return { due, newRejects: [...records.newRejects, ...newRejects] };
}

function reported(newRejects: readonly Reject[]) {
  return newRejects.length === 0 ? {} : { rejected: newRejects.length, reasons: reasonCounts(newRejects) };
}

async function receiveAll(
  { context, ports, newRejects }: Collecting,
  options: { readonly waitSeconds: number; readonly lease: boolean },
): Promise<Received> {
  const received = await receive(context, ports, options);
  newRejects.push(...received.newRejects);
  return received;
}

/**
 * Waits for work, second by second: of children that a parent wakes, or whose parent was locked, no message comes. Longer where
 * a record becomes due again soon that was put off.
 */
async function watch(collecting: Collecting, lookUntil: Instant): Promise<boolean> {
  const { session, mapping } = collecting.context;
  const { now } = collecting.ports;
  for (let second = 0; second < WATCH_SECONDS || now() <= lookUntil; second++) {
    if (second >= WATCH_SECONDS && !(await anyDue(session, mapping.object, WAITED_FOR_MS))) return false;
    if ((await receiveAll(collecting, { waitSeconds: 1, lease: true })).messages > 0) return true;
    if (await anyDue(session, mapping.object)) return true;
  }
  return false;
}

/**
 * Frees the lease and looks once more: an execution that found it held has ended, and what it came for must not be overlooked.
 * undefined: something is due, and the lease is held again.
 */
async function endUnlessDue(collecting: Collecting): Promise<Collected | undefined> {
  const { context, ports } = collecting;
  const { session, mapping, execution } = context;
  // Nothing has come for seconds.
  await freeLease(session, mapping.object, execution, { emptied: true });
  failpoint('collect:lease-freed');
  const { messages } = await receiveAll(collecting, { waitSeconds: LAST_LOOK_SECONDS, lease: false });
  if (messages === 0 && !(await anyDue(session, mapping.object, WAITED_FOR_MS)))
    return { next: 'end', reason: 'nothing due' };
  const lease = await takeLease(session, mapping.object, execution, ports.isRunning);
  return lease === undefined ? { next: 'end', reason: 'held by another execution' } : undefined;
}

async function handOver({ session, mapping, execution }: StepContext): Promise<Collected> {
  await freeLease(session, mapping.object, execution);
  return { next: 'hand over' };
}

/** AppFlow reads every file under the prefix: what an earlier execution left there must not go with the next run. */
async function removeStrayFiles(storage: Storage, object: string): Promise<void> {
  for (const folder of [outboundFolder(object), formerOutboundFolder(object)]) {
    for (const key of await storage.list(`${folder}/`)) {
      await storage.move(key, archiveKey(object, key.slice(folder.length + 1).replace(/\.csv$/, '')));
    }
  }
}
