/**
 * Takes the object's lease, drains its queue into the link table, and chooses a batch of what is due. From the moment
 * a message is deleted Postgres is the list of what is due: nothing is lost if this execution dies.
 */
import { z } from 'zod';
import configuration from '#sync.config';
import { ChangeQueue } from '../../aws/change-queue.ts';
import { isRunning } from '../../aws/executions.ts';
import { Storage } from '../../aws/storage.ts';
import { collectChangesInput, collectChangesOutput } from '../../core/contracts/outbound-tasks.ts';
import { reasonCounts } from '../../core/contracts/rejects.ts';
import { archiveKey, executionName, OUTBOUND_PREFIX, workKey } from '../../core/contracts/storage-layout.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { releaseLease, takeLease } from '../../postgres/ledger/lease.ts';
import { anyDue, anyOpenFlowPush } from '../../postgres/ledger/mark-due.ts';
import type { Reject } from '../../postgres/ledger/rejects.ts';
import { retainedWalBytes } from '../../postgres/prepare/retained-wal.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { type CollectPlace, chooseBatch, drain } from '../../steps/collect.ts';
import { confirmTold } from '../../steps/delete-guard.ts';
import { chooseInsertions } from '../../steps/new-rows/choose-new-rows.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN, CHANGE_QUEUE_URLS } = environment({
  BUCKET_NAME: z.string(),
  DATABASE_SECRET_ARN: z.string(),
  CHANGE_QUEUE_URLS: z.string().transform((json) => z.record(z.string(), z.url()).parse(JSON.parse(json))),
});
const storage = new Storage(BUCKET_NAME);

/** How long the queue is watched when nothing is due: a burst of edits then stays with one execution. */
const WATCH_SECONDS = 3;
/** A short poll may overlook messages; one second makes SQS ask all its servers. */
const LAST_LOOK_SECONDS = 1;
/**
 * How long one call looks for work. Rows that are written all the time in columns that nobody maps, or a transaction that
 * stays invisible, would otherwise keep it until the Lambda's timeout fails the execution.
 */
const LOOK_FOR_MS = 60_000;
/** Through AppFlow the window between look and write is a whole run: the larger the batch, the longer. */
const LARGEST_BATCH = { appflow: 2000, api: 10_000 } as const;
/** Records that are risked on a Salesforce that was away. */
const PROBE_RECORDS = 10;

type Collected = z.input<typeof collectChangesOutput>;

export const handler = defineHandler({
  input: collectChangesInput,
  output: collectChangesOutput,
  run: async ({ object, trigger, execution, batches, fenced }, { log }): Promise<Collected> => {
    const lookUntil = Date.now() + LOOK_FOR_MS;
    const mapping = mappingOf(configuration, object);
    const { settings } = configuration;
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const queue = queueOf(object);
    // The metric behind the WAL alarm: measured here, for it matters most while the streamer is down.
    if (trigger === 'schedule' && batches === 0)
      log.info('slot', { retainedWalBytes: await retainedWalBytes(session) });
    const news: Reject[] = [];
    const tell = (rejects: readonly Reject[]) => void news.push(...rejects);
    const said = () => (news.length === 0 ? {} : { rejected: news.length, reasons: reasonCounts(news) });
    const place = { session, configuration, mapping, execution, queue, log, tell };

    const lease = await takeLease(session, object, execution, isRunning);
    if (lease === undefined) return { next: 'end', reason: 'held by another execution' };
    if (await confirmTold(session, object, execution)) {
      log.warn('deletes are held, and the execution that held them ended before it told anybody', { object });
    }
    await drain(place, 0);
    const probing = lease.circuit === 'open';
    if (probing && (trigger !== 'schedule' || batches > 0)) return end(session, object, execution, 'circuit open');
    const handOver = async () => {
      await releaseLease(session, object, execution);
      return { next: 'hand over' } as const;
    };
    if (batches >= settings.batchesPerExecution) return handOver();
    for (;;) {
      const mustFence = !fenced && (await anyOpenFlowPush(session, object));
      await removeStrayFiles(object);
      if (news.length > 0) return { next: 'tell', ...said() };
      if (mustFence) return { next: 'fence' };
      const limit = probing ? PROBE_RECORDS : Math.min(settings.batchRecords, LARGEST_BATCH[mapping.delivery]);
      const batch = await chooseBatch(place, { limit, flowFenced: fenced });
      const newRows = await chooseInsertions(place, limit - batch.length);
      const lines = [...batch, ...newRows];
      if (lines.length > 0) {
        const batchId = `${executionName(execution)}-${batches}`;
        const recordsKey = workKey(executionName(execution), `batch-${batches}.jsonl`);
        await storage.writeLines(recordsKey, lines);
        log.info('batch collected', { batchId, records: batch.length, newRows: newRows.length });
        return { next: 'push', batchId, recordsKey, records: lines.length, ...said() };
      }
      if (news.length > 0) return { next: 'tell', ...said() };
      if (Date.now() > lookUntil) return handOver();
      if (await watch(place)) continue;
      // Whoever found the lease held has gone: what it came for must be seen once more after the lease is free.
      await releaseLease(session, object, execution);
      const received = await drain({ ...place, lease: false }, LAST_LOOK_SECONDS);
      if (received === 0 && !(await anyDue(session, object))) return { next: 'end', reason: 'nothing due' };
      if ((await takeLease(session, object, execution, isRunning)) === undefined) {
        return { next: 'end', reason: 'held by another execution' };
      }
    }
  },
});

/** Waits for work, second by second: of children that a parent wakes, or whose parent was in hand, no message comes. */
async function watch(place: CollectPlace): Promise<boolean> {
  for (let second = 0; second < WATCH_SECONDS; second++) {
    if ((await drain(place, 1)) > 0 || (await anyDue(place.session, place.mapping.object))) return true;
  }
  return false;
}

async function end(session: Session, object: string, execution: string, reason: 'circuit open'): Promise<Collected> {
  await releaseLease(session, object, execution);
  return { next: 'end', reason };
}

function queueOf(object: string): ChangeQueue {
  const url = CHANGE_QUEUE_URLS[object];
  if (url !== undefined) return new ChangeQueue(url);
  throw new ConfigurationError('NO_QUEUE', `CHANGE_QUEUE_URLS names no queue for ${object}: deploy the stack again.`);
}

/** AppFlow reads every file under the prefix: what an earlier execution left there must not go with the next run. */
async function removeStrayFiles(object: string): Promise<void> {
  for (const key of await storage.list(`${OUTBOUND_PREFIX}${object}/`)) {
    await storage.move(key, archiveKey(object, key.slice(`${OUTBOUND_PREFIX}${object}/`.length).replace(/\.csv$/, '')));
  }
}
