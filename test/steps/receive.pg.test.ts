/** RECEIVE: from the moment at which a message is deleted PostgreSQL is the list of what is due. */
import type pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../aws/change-queue.ts';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { receive } from '../../steps/receive.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf, SILENT } from '../support/system/steps.ts';

const [A, B, C] = ['001000000000001AAA', '001000000000002AAA', '001000000000003AAA'] as const;
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let writers: readonly [pg.Client, pg.Client];

beforeAll(async () => {
  session = await lender.session();
  writers = [await lender.database.client(), await lender.database.client()];
});
beforeEach(async () => {
  await rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record');
  const lines = [A, B, C].map((id, i) => ({ line: i + 1, version: version('Account', id, 1) }));
  await applyVersions(contextOf(session, configuration, 'Account'), 'f', lines, Date.UTC(2030, 0, 1));
});

/** A queue that keeps what was not deleted. */
class Queue {
  readonly waiting: ReceivedMessage[] = [];
  readonly inFlight = new Set<ReceivedMessage>();
  readonly sentAgain: [message: ChangeMessage, delaySeconds: number][] = [];
  onDelete: () => Promise<void> = async () => undefined;

  constructor(...messages: (ChangeMessage | undefined)[]) {
    for (const message of messages)
      this.waiting.push({ receiptHandle: String(this.waiting.length), receives: 1, message });
  }

  async receive(): Promise<ReceivedMessage[]> {
    const received = this.waiting.splice(0, 10);
    for (const each of received) this.inFlight.add(each);
    return received;
  }

  async delete(received: readonly ReceivedMessage[]): Promise<void> {
    await this.onDelete();
    for (const each of received) this.inFlight.delete(each);
  }

  async handBack(received: readonly ReceivedMessage[]): Promise<void> {
    for (const each of received) if (this.inFlight.delete(each)) this.waiting.push(each);
  }

  async sendAgain(message: ChangeMessage, delaySeconds: number): Promise<void> {
    this.sentAgain.push([message, delaySeconds]);
  }
}

function take(queue: Queue, waitSeconds = 0) {
  const ports = { queue: queue as never, log: SILENT };
  return receive(contextOf(session, configuration, 'Account'), ports, { waitSeconds, lease: false });
}

async function message(ids: readonly string[], transactions: readonly string[] = []): Promise<ChangeMessage> {
  const found = await rows('select id::text as key from lenders where salesforce_id = any ($1) order by 1', [ids]);
  return {
    object: 'Account',
    keys: found.map(({ key }) => [key, 'update']),
    position: '0/1',
    committedAt: '2026-01-01T00:00:00Z',
    transactions: [...transactions],
  };
}

/** The application edits a record's row, and has not committed it yet. Answers the transaction. */
async function edit(writer: pg.Client, id: string): Promise<string> {
  await writer.query('begin');
  const sql = `update lenders set phone = 'row' where salesforce_id = $1 returning pg_current_xact_id()::text as xid`;
  return (await writer.query(sql, [id])).rows[0].xid;
}

const due = async () =>
  (await rows('select salesforce_id as id from sfsync.link where dirty order by 1')).map(({ id }) => id);

describe('a message of several transactions', () => {
  test.for([
    ['the first', 0],
    ['the last', 1],
  ] as const)('of which %s is not visible yet waits for it as a whole, and others go on', async ([, late]) => {
    const transactions = [await edit(writers[0], A), await edit(writers[1], B)];
    await writers[1 - late]?.query('commit');
    const both = await message([A, B], transactions);
    const queue = new Queue(both, await message([C], [transactions[1 - late] ?? '']));
    expect(await take(queue)).toMatchObject({ messages: 2 });
    expect(await due()).toEqual([C]);
    expect(queue.sentAgain).toEqual([[both, 2]]);

    await writers[late]?.query('commit');
    await take(new Queue(both));
    expect(await due()).toEqual([A, B, C]);
  });
});

test('a message is deleted when its keys are due and what has to wait has been sent again, not before', async () => {
  const xid = await edit(writers[0], B);
  const queue = new Queue(await message([A]), await message([B], [xid]));
  let then: unknown;
  queue.onDelete = async () => {
    then = [await due(), queue.sentAgain.length];
  };
  await take(queue);
  await writers[0].query('rollback');
  expect(then).toEqual([[A], 1]);
  expect([queue.waiting, queue.inFlight.size]).toEqual([[], 0]);
});

test('messages that cannot be received are handed back, and none of them is deleted', async () => {
  const queue = new Queue(await message([A]), await message([B]));
  await rows('alter table sfsync.link rename to away');
  try {
    await expect(take(queue)).rejects.toMatchObject({ code: '42P01' });
  } finally {
    await rows('alter table sfsync.away rename to link');
  }
  expect([queue.waiting.length, queue.inFlight.size]).toEqual([2, 0]);
  await take(queue);
  expect(await due()).toEqual([A, B]);
});

test('what is no change message is neither received nor deleted: it is left to the dead-letter queue', async () => {
  const queue = new Queue(undefined, await message([A]));
  expect(await take(queue)).toMatchObject({ messages: 1 });
  expect([await due(), queue.inFlight.size]).toEqual([[A], 1]);
});

test('the queue is received until it is empty, and a call has an end where it never is', async () => {
  const queue = new Queue(...Array<ChangeMessage>(25).fill(await message([A])));
  expect(await take(queue)).toMatchObject({ messages: 25 });
  const endless = new Queue();
  const one = await message([B]);
  endless.receive = async () => [{ receiptHandle: 'one', receives: 1, message: one }];
  expect(await take(endless)).toMatchObject({ messages: 30 });
});

test('only a long poll that finds nothing shows that the queue is empty: a short one asks some of its servers only', async () => {
  expect(await take(new Queue())).toMatchObject({ messages: 0, emptied: false });
  expect(await take(new Queue(), 1)).toMatchObject({ messages: 0, emptied: true });
  // What follows the first message is received by short polls.
  expect(await take(new Queue(await message([A])), 1)).toMatchObject({ messages: 1, emptied: false });
});
