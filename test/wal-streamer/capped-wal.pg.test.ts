/** The server keeps no more WAL for the slot than `max_slot_wal_keep_size`: the slot is lost then, and no edit with it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Storage } from '../../aws/storage.ts';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { type CollectPorts, collectChanges } from '../../steps/collect.ts';
import { recoverSlot } from '../../steps/slot-recovery/slot-recovery.ts';
import { createLenderDatabaseApart, type LenderDatabase, version } from '../support/postgres/lender-database.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import { contextOf, SILENT } from '../support/system/steps.ts';
import { startStreamer } from '../support/system/streamer.ts';

const { slot } = DEFAULT_NAMES;
const SEGMENT_BYTES = 16 * 1024 ** 2;
const [EDITED, UNTOUCHED] = ['001000000000001AAA', '001000000000002AAA'];

let lender: LenderDatabase;
let session: Session;
beforeAll(async () => {
  lender = await createLenderDatabaseApart(['max_slot_wal_keep_size=16MB']);
  // The name of a deployment, as Collect changes looks for it.
  await lender.rows('select pg_drop_replication_slot($1)', [lender.database.name]);
  await lender.rows('select pg_create_logical_replication_slot($1, $2)', [slot, configuration.settings.plugin]);
  session = await lender.session();
  await applyVersions(
    contextOf(session, configuration, 'Account'),
    'f',
    [EDITED, UNTOUCHED].map((id, i) => ({ line: i + 1, version: version('Account', id, 1, { Phone: 'base' }) })),
    Date.UTC(2030, 0, 1),
  );
});
afterAll(() => lender?.[Symbol.asyncDispose]());

/** What Collect changes logs as retained when the schedule starts it; `nothing`: the line is there without a figure. */
async function measured(): Promise<number | 'nothing' | undefined> {
  let found: number | 'nothing' | undefined;
  await takeLease(session, 'Account', 'another', async () => true);
  const ports: CollectPorts = {
    queue: undefined as never,
    storage: new Storage('none'),
    isRunning: async () => true,
    now: () => Date.now(),
    log: {
      ...SILENT,
      info: (message, facts) => {
        if (message === 'slot') found = Number((facts as { retainedWalBytes?: number }).retainedWalBytes ?? Number.NaN);
      },
    },
  };
  const input = { trigger: 'schedule', batches: 0, fenced: false } as const;
  const end = await collectChanges(contextOf(session, configuration, 'Account'), ports, input);
  expect(end).toMatchObject({ next: 'end', reason: 'held by another execution' });
  return Number.isNaN(found) ? 'nothing' : found;
}

/** Writes that concern no mapped table: one segment of WAL each. */
async function fillSegments(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await lender.rows("select pg_logical_emit_message(true, 'unrelated', 'x')");
    await lender.rows('select pg_switch_wal()');
  }
  await lender.rows('checkpoint');
}

test('how much is kept is measured while no streamer runs; beyond the cap the slot is lost, and recovered with every edit', async () => {
  await using queues = await startQueueService();
  const env = { REPLICATION_SLOT: slot };
  const first = startStreamer(lender.database, queues, env);
  await first.streaming();
  await first.end('SIGKILL');
  await lender.rows("update lenders set phone = 'edited' where salesforce_id = $1", [EDITED]);
  const before = await measured();
  await fillSegments(1);
  expect(await measured()).toBeGreaterThan(Number(before));
  expect(await measured()).toBeLessThan(3 * SEGMENT_BYTES);

  await fillSegments(4);
  expect(await lender.rows('select wal_status from pg_replication_slots')).toEqual([{ wal_status: 'lost' }]);
  expect(await measured(), 'missing data sets off the alarm').toBe('nothing');
  await using stopped = startStreamer(lender.database, queues, env);
  expect(await stopped.exit()).toBe(2);
  expect(stopped.lines.at(-1)?.message).toMatch(/was invalidated.*`sfsync recover-slot`/);

  expect(await recoverSlot(await lender.database.client(), configuration, { slot })).toMatchObject({ slotMade: true });
  expect(await lender.rows('select salesforce_id as id from sfsync.link where dirty')).toEqual([{ id: EDITED }]);
  await using streamer = startStreamer(lender.database, queues, env);
  await streamer.streaming();
});
