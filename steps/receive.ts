/** RECEIVE: the rows that changed are written into the ledger as due; from there on Postgres is the list of what is due. */
import type { ChangeQueue } from '../aws/change-queue.ts';
import { giveUpKey } from '../core/agreement/row-identity.ts';
import type { ChangeMessage } from '../core/contracts/change-message.ts';
import type { Reject } from '../core/contracts/rejects.ts';
import { failpoint } from '../core/failpoint.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { isId18 } from '../core/mapping/salesforce-id.ts';
import { changeLinks } from '../postgres/ledger/links.ts';
import { addInsertions, linkRows, markInsertionsDue, markLinksDue } from '../postgres/ledger/mark-due.ts';
import { reportNewRejects, resolveRejects } from '../postgres/ledger/rejects.ts';
import { findCarriers, findNewRows, makeRoom } from '../postgres/ledger/row-keys.ts';
import { goneRows, nextLinkIds, reinserted } from '../postgres/ledger/selections.ts';
import type { Session } from '../postgres/session/connection.ts';
import { invisibleTransactions } from '../postgres/session/visibility.ts';
import type { Log } from './log.ts';
import { wakeChildren } from './parents/wake-children.ts';
import { type Holding, inLedger, type StepContext, underLease } from './step.ts';

/** Receives in one call: at ten messages a receive, hundreds of thousands of keys. */
const MAX_RECEIVES = 30;
/** A commit that is decoded is seconds from being visible; a standby that does not answer may take longer. */
const INVISIBLE_DELAY_SECONDS = 2;

export interface ReceivePorts {
  readonly queue: Pick<ChangeQueue, 'receive' | 'delete' | 'handBack' | 'sendAgain'>;
  readonly log: Log;
}

export interface Received {
  readonly messages: number;
  /** Nothing was left in the queue, as far as a long poll shows: a short one asks some of its servers only. */
  readonly emptied: boolean;
  /** Rejects of rows that were not listed before. */
  readonly newRejects: readonly Reject[];
}

/** Receives until the queue is empty. Waits up to `waitSeconds` for the first message. */
export async function receive(
  context: StepContext,
  ports: ReceivePorts,
  options: Holding & { readonly waitSeconds: number },
): Promise<Received> {
  const { queue, log } = ports;
  const newRejects: Reject[] = [];
  let messages = 0;
  let emptied = false;
  for (let receives = 0; receives < MAX_RECEIVES; receives++) {
    const waitSeconds = receives === 0 ? options.waitSeconds : 0;
    const received = await queue.receive(waitSeconds);
    if (received.length === 0) {
      emptied = waitSeconds > 0;
      break;
    }
    failpoint('receive:received');
    const readable = received.filter(({ message }) => message !== undefined);
    if (readable.length < received.length) {
      log.warn('messages that are no change messages were left to the dead-letter queue', {
        messages: received.length - readable.length,
      });
    }
    const changes = readable.flatMap(({ message }) => message ?? []);
    try {
      newRejects.push(...(await receiveMessages(context, ports, options, changes)));
    } catch (error) {
      // Where that fails, too, they come back by themselves, only later: the first error is the cause.
      await queue.handBack(readable).catch(() => undefined);
      throw error;
    }
    failpoint('receive:marked');
    await queue.delete(readable);
    failpoint('receive:deleted');
    messages += readable.length;
  }
  return { messages, emptied, newRejects };
}

async function receiveMessages(
  context: StepContext,
  { queue, log }: ReceivePorts,
  holding: Holding,
  messages: readonly ChangeMessage[],
): Promise<readonly Reject[]> {
  const transactions = [...new Set(messages.flatMap((message) => message.transactions))];
  const invisible = await invisibleTransactions(context.session, transactions);
  const isVisible = (message: ChangeMessage) => !message.transactions.some((xid) => invisible.has(xid));
  const visible = messages.filter(isVisible);
  if (visible.some(({ truncated }) => truncated === true)) {
    const { session, mapping } = context;
    const marked = await receiveTruncate(session, mapping, (work) => underLease(context, holding, work));
    log.warn('the table was truncated: the records of rows that are gone are due', { object: mapping.object, marked });
  }
  const newRejects: Reject[] = [];
  const keys = visible.flatMap((message) => message.keys.map(([key]) => key));
  if (keys.length > 0) {
    const received = await inLedger(context, holding, (inForce) => receiveKeys(inForce, keys));
    const { marked, inserts, dropped } = received;
    log.info('keys marked due', { keys: keys.length, marked, inserts, newRowsWithoutRecord: dropped });
    newRejects.push(...received.newRejects);
  }
  for (const message of messages.filter((candidate) => !isVisible(candidate))) {
    await queue.sendAgain(message, INVISIBLE_DELAY_SECONDS);
    failpoint('receive:sent-again');
  }
  return newRejects;
}

export interface ReceivedKeys {
  /** Links that are due now. */
  readonly marked: number;
  /** New rows that are to become records. */
  readonly inserts: number;
  /** New rows that Salesforce does not have; the object takes no inserts. */
  readonly dropped: number;
  /** Rejects of the rows that were not listed before. */
  readonly newRejects: readonly Reject[];
}

/**
 * Makes the links of the keys due. A key without a link may be a row that carries the Salesforce id of one: its key
 * was changed, so it is relinked; or of a record without a link, which gets one and is read from Salesforce first.
 */
export async function receiveKeys(
  { session, configuration, mapping }: Pick<StepContext, 'session' | 'configuration' | 'mapping'>,
  keys: readonly string[],
): Promise<ReceivedKeys> {
  const { object } = mapping;
  const wanted = [...new Set(keys)];
  const takesInserts = mapping.externalIdField !== undefined;
  if (takesInserts) await changeLinks(session, object, reinserted(mapping, wanted), giveUpKey);
  const carrying = await findCarriers(session, mapping, wanted);
  const strange = carrying.filter(({ id }) => !isId18(id)).map(({ key }) => key);
  const newRejects = await rejectStrangeIds(session, mapping, wanted, strange);
  const carriers = carrying.filter(({ id }) => isId18(id));
  if (carriers.length > 0) {
    await makeRoom(session, mapping, carriers);
    await linkRows(session, object, carriers);
    const parents = carriers.map(({ key }) => key);
    await wakeChildren(session, configuration, mapping, parents);
  }
  const marked = await markLinksDue(session, object, { rowKeys: wanted }, 'row changed');
  // Only now: a new row may have the key that another one has just given up.
  const unknown = await findNewRows(session, mapping, wanted);
  if (!takesInserts) return { marked, inserts: 0, dropped: unknown.length, newRejects };
  // Of the others, too, an insertion may be under way whose row is gone now.
  await markInsertionsDue(session, object, { rowKeys: wanted });
  const inserts = await addInsertions(session, object, { rowKeys: unknown }, { known: 'due' });
  return { marked, inserts, dropped: 0, newRejects };
}

const NO_SALESFORCE_ID = 'NO_SALESFORCE_ID';

/** Rows whose id is none: a query that names it would fail, and with it the whole batch. Those that were mended are listed no more. */
async function rejectStrangeIds(
  session: Session,
  { object, salesforceIdColumn }: ObjectMapping,
  rowKeys: readonly string[],
  strange: readonly string[],
): Promise<Reject[]> {
  await resolveRejects(session, { object, code: NO_SALESFORCE_ID, rowKeys, except: strange });
  const reason = `Column ${salesforceIdColumn} of the row holds what is no Salesforce id of 18 characters. Write the record's id there, or null.`;
  const rejects = strange.map((rowKey): Reject => {
    return { salesforceId: undefined, rowKey, field: undefined, code: NO_SALESFORCE_ID, reason, line: undefined };
  });
  return reportNewRejects(session, { object, direction: 'to-salesforce', source: 'row', execution: '' }, rejects);
}

/** Links looked at in one transaction: executions that work on the same object wait for no longer than that. */
const TRUNCATED_LINKS = 20_000;

/**
 * The table was truncated: makes the links due whose row is gone, for the WAL does not say which rows it held. A row that
 * carries the record's id under another key is not gone. Each part has a transaction of its own. Answers how many are due.
 */
export async function receiveTruncate(
  session: Session,
  mapping: ObjectMapping,
  inTransaction: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<number> {
  const { object } = mapping;
  await inTransaction(() => markInsertionsDue(session, object, 'all'));
  let total = 0;
  for (let after: string | undefined; ; ) {
    const { marked, last } = await inTransaction(async () => {
      const page = await nextLinkIds(session, object, after, TRUNCATED_LINKS);
      if (page.last === undefined) return { marked: 0, last: undefined };
      const gone = goneRows(mapping, page.ids);
      return { marked: await markLinksDue(session, object, gone, 'row changed'), last: page.last };
    });
    total += marked;
    if (last === undefined) return total;
    after = last;
  }
}
