/** The two halves of Collect changes: RECEIVE drains the queue into the link table, COLLECT takes records from it. */
import type { z } from 'zod';
import type { ChangeQueue } from '../aws/change-queue.ts';
import { type Chosen, choose } from '../core/agreement/collect.ts';
import type { Link } from '../core/agreement/link.ts';
import type { ChangeMessage } from '../core/contracts/change-message.ts';
import type { recordToRead } from '../core/contracts/inbound-tasks.ts';
import { dueRecords } from '../postgres/ledger/due.ts';
import { holdLease } from '../postgres/ledger/lease.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { type Reject, reportNews, resolveRejects } from '../postgres/ledger/rejects.ts';
import { inTransaction } from '../postgres/session/connection.ts';
import { invisibleTransactions } from '../postgres/session/visibility.ts';
import { withColumns } from './mapping-in-force/columns.ts';
import { askAgain, askOfLookups } from './mapping-in-force/drift.ts';
import { lockPairs } from './pairs/pairs.ts';
import { keptBack } from './pairs/unsendable.ts';
import { parentsOf } from './parents/wake-children.ts';
import { receiveKeys, receiveTruncate } from './receive.ts';
import type { StepContext } from './step.ts';

/** Where due records are chosen. */
export interface ChoosePlace extends StepContext {
  /** false: the lease is not held. Marking records due needs none. */
  readonly lease?: false | undefined;
  /** Gets the rejects that are news. */
  readonly tell?: (rejects: readonly Reject[]) => void;
  readonly log: {
    info(message: string, details: Record<string, string | number>): void;
    warn(message: string, details: Record<string, string | number>): void;
  };
}

/** Where messages are received, too. */
export interface CollectPlace extends ChoosePlace {
  readonly queue: ChangeQueue;
}

/** Receives before a batch is chosen: at ten messages a receive, hundreds of thousands of keys. */
const MAX_RECEIVES = 30;
/** A commit that is decoded is seconds from being visible; a standby that does not answer may take longer. */
const INVISIBLE_DELAY_SECONDS = 2;

/** RECEIVE until the queue is empty. Waits up to `waitSeconds` for the first message. Answers how many were taken. */
export async function drain(place: CollectPlace, waitSeconds: number): Promise<number> {
  let taken = 0;
  for (let receives = 0; receives < MAX_RECEIVES; receives++) {
    const received = await place.queue.receive(receives === 0 ? waitSeconds : 0);
    if (received.length === 0) break;
    const readable = received.filter(({ message }) => message !== undefined);
    if (readable.length < received.length) {
      place.log.warn('messages that are no change messages were left to the dead-letter queue', {
        messages: received.length - readable.length,
      });
    }
    try {
      await receiveMessages(
        place,
        readable.flatMap(({ message }) => message ?? []),
      );
    } catch (error) {
      // Where that fails, too, they come back by themselves, only later: the first error is the one that tells.
      await place.queue.handBack(readable).catch(() => undefined);
      throw error;
    }
    await place.queue.delete(readable);
    taken += readable.length;
  }
  return taken;
}

async function receiveMessages(place: CollectPlace, messages: readonly ChangeMessage[]): Promise<void> {
  const { session, mapping, execution, lease, queue, log } = place;
  const transactions = [...new Set(messages.flatMap((message) => message.transactions))];
  const invisible = await invisibleTransactions(session, transactions);
  const isVisible = (message: ChangeMessage) => !message.transactions.some((xid) => invisible.has(xid));
  const visible = messages.filter(isVisible);
  const underLease = <T>(work: () => Promise<T>): Promise<T> =>
    inTransaction(session, async () => {
      if (lease !== false) await holdLease(session, mapping.object, execution);
      return work();
    });
  if (visible.some(({ truncated }) => truncated === true)) {
    const marked = await receiveTruncate(session, mapping, underLease);
    log.warn('the table was truncated: the records of rows that are gone are due', { object: mapping.object, marked });
  }
  const keys = visible.flatMap((message) => message.keys.map(([key]) => key));
  if (keys.length > 0) {
    const { marked, inserts, dropped, newRejects } = await withColumns(place, undefined, (inForce) =>
      underLease(() => receiveKeys({ session, configuration: inForce.configuration, mapping }, keys)),
    );
    place.tell?.(newRejects);
    log.info('keys marked due', { keys: keys.length, marked, inserts, newRowsWithoutRecord: dropped });
  }
  for (const message of messages.filter((candidate) => !isVisible(candidate))) {
    await queue.sendAgain(message, INVISIBLE_DELAY_SECONDS);
  }
}

/**
 * COLLECT: due records with the revision of their link, oldest first. Records that do not differ after all are done; one
 * whose parent is about to get its id stays due, and is left for the next look.
 */
export async function chooseBatch(
  place: ChoosePlace,
  batch: { readonly limit: number; readonly flowFenced: boolean },
): Promise<z.input<typeof recordToRead>[]> {
  return withColumns(place, undefined, (inForce) => chooseInForce({ ...place, ...inForce }, batch));
}

async function chooseInForce(
  place: ChoosePlace,
  { limit, flowFenced }: { readonly limit: number; readonly flowFenced: boolean },
): Promise<z.input<typeof recordToRead>[]> {
  const { session, configuration, mapping, execution, lease, tell } = place;
  const { settings } = configuration;
  const doubted = [...(await askAgain(session, mapping.object)), ...(await askOfLookups(session, mapping))];
  for (;;) {
    const chosen = await inTransaction(session, async () => {
      if (lease !== false) await holdLease(session, mapping.object, execution);
      const ids = await dueRecords(session, mapping.object, { limit, flowFenced, settings });
      const pairs = [...(await lockPairs(place, ids)).values()];
      const rows = pairs.map(({ row }) => row);
      const parents = await parentsOf(session, configuration, mapping, rows);
      const links = pairs.map((pair, i) => {
        const kept = keptBack(configuration, mapping, pair.row);
        const looked = { parents: parents[i] ?? 'as read', lacksId: pair.lacksId, isUnsendable: kept !== undefined };
        return { linkId: pair.linkId, stored: pair.stored, kept, ...choose(mapping, pair, looked) };
      });
      await saveLinks(session, links);
      const context = { object: mapping.object, direction: 'to-salesforce', source: 'row' } as const;
      const news = await reportNews(session, { ...context, execution }, links.flatMap(rejectOfKept));
      const agreed = links.filter(({ agrees }) => agrees);
      await resolveRejects(
        session,
        mapping.object,
        'to-salesforce',
        agreed.map(({ link }) => link.salesforceId),
      );
      const of = (step: Chosen['step']) => links.filter((each) => each.step === step);
      return { found: ids.length - of('left').length, due: of('due').map(({ link }) => link), news };
    });
    tell?.(chosen.news);
    if (chosen.due.length > 0) {
      return chosen.due.map(({ salesforceId: id, revision, push }) => ({
        id,
        revision,
        ...(push && { pushId: push.id }),
        ...(doubted.length > 0 && { doubted }),
      }));
    }
    if (chosen.found === 0) return [];
  }
}

/** A value that cannot be sent stays as it is: people have to know. */
function rejectOfKept({
  link: { salesforceId, rowKey },
  kept,
}: {
  readonly link: Link;
  readonly kept: ReturnType<typeof keptBack>;
}): Reject[] {
  return kept === undefined ? [] : [{ salesforceId, rowKey, line: undefined, ...kept }];
}
