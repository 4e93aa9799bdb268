/** What Salesforce cannot take for now is put off, and told of when that lasts. */
import { beforeEach, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { anyDue, isPutOff } from '../../postgres/ledger/due.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const idOf = (n: number) => `001000000000${String(n).padStart(3, '0')}AAA`;
const ONE = idOf(1);
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const held = (id: string, second: number, phone: string) => version('Account', id, second, { Phone: phone });

async function edited(...ids: string[]): Promise<void> {
  const lines = ids.map((id, i) => ({ line: i + 1, version: held(id, 1, 'base') }));
  await applyVersions(contextOf(session, configuration, 'Account'), 'f', lines, Date.UTC(2030, 0, 1));
  await rows(`update lenders set phone = 'row'`);
  await markLinksDue(session, 'Account', { salesforceIds: ids }, 'row changed');
}

/** One attempt of a batch; `refused`: what Salesforce answers to each record, undefined: it takes it. */
/** The clock of the steps is ahead, so that no pause is over before the test says so. */
const AHEAD_MS = 600_000;

async function attempt(batch: number, answer: (id: string) => string | undefined) {
  const now = Date.now() + AHEAD_MS;
  const batchId = `one-${batch}`;
  const looks = (await chosenRecords(outbound())).map((record) => ({ ...record, version: held(record.id, 1, 'base') }));
  const { pushes } = await decideBatch(outbound(), batchId, looks, { readAt: now, now });
  const readBacks = pushes.map(({ id, revision }) => {
    const phone = answer(id) === undefined ? 'row' : 'base';
    return { id, revision, version: held(id, 2, phone) };
  });
  const outcomes = new Map(
    pushes.map(({ id }) => {
      const code = answer(id);
      return [
        id,
        code === undefined ? { id, outcome: 'accepted' as const } : { id, outcome: 'not applied' as const, code },
      ];
    }),
  );
  const settled = await settleBatch(outbound(), batchId, readBacks, {
    outcomes,
    flowFailures: undefined,
    readAt: now,
    now,
  });
  return { pushes, settled };
}

const locked = () => 'UNABLE_TO_LOCK_ROW';
const links = () =>
  rows('select retries, due_after > clock_timestamp() as waits, dirty from sfsync.link order by salesforce_id');
const pauseIsOver = () =>
  rows('update sfsync.link set due_after = clock_timestamp(); update sfsync.lease set due_after = clock_timestamp()');
const listed = () => rows('select code, direction from sfsync.rejected_record where resolved_at is null');

test('a locked record waits, longer each time, goes through the API, and is listed and told of once', async () => {
  await edited(ONE);
  const first = await attempt(0, locked);
  expect(first.pushes).toMatchObject([{ push: { delivery: 'appflow' } }]);
  expect(await links()).toEqual([{ retries: 1, waits: true, dirty: true }]);
  expect(await chosenRecords(outbound())).toEqual([]);
  expect([await anyDue(session, 'Account'), await anyDue(session, 'Account', 2 * AHEAD_MS)]).toEqual([false, true]);
  const told = [];
  for (let tries = 2; tries <= 8; tries++) {
    await pauseIsOver();
    const { pushes, settled } = await attempt(tries, locked);
    expect(pushes).toMatchObject([{ push: { delivery: 'api' } }]);
    if (settled.waiting !== undefined) told.push([tries, settled.waiting]);
  }
  const answers = [{ code: 'UNABLE_TO_LOCK_ROW', count: 1, ids: [ONE] }];
  expect(told).toEqual([[6, { records: 1, answers }]]);
  expect(await listed()).toEqual([{ code: 'UNABLE_TO_LOCK_ROW', direction: 'to-salesforce' }]);
  const [{ pause }] = await rows(
    'select extract(epoch from due_after - clock_timestamp())::int as pause from sfsync.link',
  );
  expect(pause).toBeGreaterThan(AHEAD_MS / 1000 + 64);
  expect(pause).toBeLessThanOrEqual(AHEAD_MS / 1000 + 128);

  await pauseIsOver();
  await attempt(9, () => undefined);
  expect([await links(), await listed()]).toEqual([[{ retries: 0, waits: null, dirty: false }], []]);
});

test('one locked record holds up no other; where none gets through, the object waits', async () => {
  await edited(ONE, idOf(2));
  await attempt(0, (id) => (id === ONE ? locked() : undefined));
  expect([await links(), await isPutOff(session, 'Account')]).toMatchObject([[{ retries: 1 }, { retries: 0 }], false]);
  await pauseIsOver();
  await attempt(1, locked);
  // It was tried before: that it fails again says nothing of others.
  expect(await isPutOff(session, 'Account')).toBe(false);
  await edited(idOf(3));
  await attempt(2, locked);
  expect([await isPutOff(session, 'Account'), await anyDue(session, 'Account')]).toEqual([true, false]);
  await pauseIsOver();
  await attempt(3, () => undefined);
  expect(await rows('select retries, due_after from sfsync.lease')).toEqual([{ retries: 0, due_after: null }]);
});

test('a record in the recycle bin, or one that is too late for this push, is not put off', async () => {
  await edited(ONE);
  await attempt(0, () => 'PUSH_DEADLINE');
  expect(await links()).toEqual([{ retries: 0, waits: null, dirty: true }]);
});
