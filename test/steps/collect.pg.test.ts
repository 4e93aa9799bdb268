/**
 * The wake-up around the release of the lease. What comes while an execution looks for work starts another one, which ends when it
 * finds the lease held: so one of the two must see it, whatever the moment at which it comes.
 */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../aws/change-queue.ts';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { collectChanges } from '../../steps/collect.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf, SILENT } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const [FIRST, SECOND] = ['one', 'two'].map(
  (name) => `arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:${name}`,
) as [string, string];

const lender = useLenderDatabase('file');
const { rows } = lender;
let first: Session;
let second: Session;
beforeAll(async () => {
  [first, second] = [await lender.session(), await lender.session()];
  const { query } = first;
  first.query = (async (...given: unknown[]) => {
    const answer: unknown = await Reflect.apply(query, first, given);
    await passes();
    return answer;
  }) as typeof query;
});
beforeEach(async () => {
  await rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease');
  const line = { line: 1, version: version('Account', ID, 1, { Phone: 'base' }) };
  await applyVersions(contextOf(second, configuration, 'Account'), 'f', [line], Date.UTC(2030, 0, 1));
});

/** A queue that holds messages. */
class Queue {
  readonly messages: ReceivedMessage[] = [];
  /** What happens after a look. */
  onLook: () => Promise<void> = async () => undefined;

  async receive(): Promise<ReceivedMessage[]> {
    const received = this.messages.splice(0);
    await this.onLook();
    return received;
  }

  async delete(): Promise<void> {}
}

const queued = async (queue: Queue) => {
  const [{ key }] = await rows('select id::text as key from lenders');
  const message = { object: 'Account', keys: [[key, 'update' as const]] as [string, 'update'][], transactions: [] };
  const rest = { position: '0/1', committedAt: '2026-01-01T00:00:00Z' };
  queue.messages.push({ receiptHandle: 'one', receives: 1, message: { ...message, ...rest } });
};

const WORK = [
  ['a message', queued],
  [
    'a child that its parent wakes, of which no message comes',
    () => markLinksDue(second, 'Account', { salesforceIds: [ID] }, 'row changed'),
  ],
] as const;

/** What happens after a statement of the execution, or a look of it at the queue. */
let passes: () => Promise<void> = async () => undefined;

/** Looks for work, of which some comes after so many statements and looks at the queue. undefined: it had ended by then. */
async function collectWhile(comes: (queue: Queue) => Promise<unknown>, moment: number) {
  const queue = new Queue();
  let [moments, woken]: [number, 'took the lease' | 'found it held' | undefined] = [0, undefined];
  passes = async () => {
    if (first.transaction !== undefined || woken !== undefined || moments++ < moment) return;
    woken = 'found it held';
    await comes(queue);
    if ((await takeLease(second, 'Account', SECOND, async () => true)) !== undefined) woken = 'took the lease';
  };
  queue.onLook = () => passes();
  const storage = { list: async () => [], writeLines: async () => undefined } as never;
  const ports = { queue: queue as never, log: SILENT, storage, isRunning: async () => true, now: Date.now };
  const input = { trigger: 'changes', batches: 0, fenced: false } as const;
  const { next } = await collectChanges(contextOf(first, configuration, 'Account', FIRST), ports, input);
  return woken === undefined ? undefined : `${woken}: ${next}`;
}

test.for(WORK)('%s is not overlooked, whatever the moment at which it comes', async ([, comes]) => {
  const found = new Set<string>();
  for (let moment = 0; ; moment++) {
    await rows(`update lenders set phone = 'row'; update sfsync.lease set execution = null;
                update sfsync.link set dirty = false`);
    const outcome = await collectWhile(comes, moment);
    if (outcome === undefined) break;
    found.add(outcome);
  }
  expect(await rows(`select now() - queue_emptied_at < interval '1 minute' as emptied from sfsync.lease`)).toEqual([
    { emptied: true },
  ]);
  // The execution that was woken works on it, or the one that kept it from that.
  expect([...found].sort()).toEqual(['found it held: push', 'took the lease: end']);
});

test.for([
  ['the first call of the schedule', 'schedule', 0, [['slot', { retainedWalBytes: expect.any(Number) }]]],
  ['a later one', 'schedule', 1, []],
  ['a call for changes', 'changes', 0, []],
] as const)('%s says how much WAL the slot keeps back, or does not', async ([, trigger, batches, expected]) => {
  passes = async () => undefined;
  const session = Object.create(first, {
    names: { value: { ...DEFAULT_NAMES, slot: lender.database.name } },
  }) as Session;
  const logged: unknown[] = [];
  const log = { ...SILENT, info: (...line: unknown[]) => void logged.push(line) };
  const storage = { list: async () => [], writeLines: async () => undefined } as never;
  const ports = { queue: new Queue() as never, log, storage, isRunning: async () => true, now: Date.now };
  const input = { trigger, batches, fenced: false };
  await collectChanges(contextOf(session, configuration, 'Account', FIRST), ports, input);
  expect(logged.filter((line) => (line as string[])[0] === 'slot')).toEqual(expected);
});
