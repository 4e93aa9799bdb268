import { expect, test } from 'vitest';
import { describeStatus } from '../../cli/report.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { beginStream } from '../../postgres/ledger/stream.ts';
import { readDatabaseStatus } from '../../postgres/prepare/status.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import { startStreamer } from '../support/system/streamer.ts';

const lender = useLenderDatabase('test');
const report = async () => {
  const { name } = lender.database;
  const status = await readDatabaseStatus(lender.application, configuration, name);
  const { lines, faults } = describeStatus(status, name);
  return { slot: lines.find((line) => line.startsWith('slot')), faults: faults.join('\n') };
};

test('the streamer is known by its role and name; another reader is named, and is a fault', async () => {
  await using queues = await startQueueService();
  const streamer = startStreamer(lender.database, queues);
  await streamer.streaming();
  expect((await report()).slot).toMatch(/read by the streamer \(process \d+ from 127\.0\.0\.1 since \S+Z\)/);
  expect((await report()).faults).toBe('');
  expect(await streamer.end('SIGTERM')).toBe(0);

  await using other = startStreamer(lender.database, queues, {
    PGUSER: decodeURIComponent(new URL(lender.database.url).username),
    PGPASSWORD: decodeURIComponent(new URL(lender.database.url).password),
  });
  await other.streaming();
  expect((await report()).faults).toMatch(
    /is read by sfsync wal-streamer, role \S+ \(process \d+.*not by the streamer/,
  );
});

test('a slot that another reader has moved is a fault until the streamer has it again', async () => {
  await beginStream(lender.application, lender.database.name);
  await lender.rows('create table unrelated ()');
  await lender.rows('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [lender.database.name]);
  expect((await report()).faults).toContain('is further than the streamer has confirmed');
});

test('a table whose edits do not come through is a fault, with what to do', async () => {
  await lender.rows('alter publication sfsync drop table lenders');
  expect((await report()).faults).toMatch(/Account: edits do not come through the slot.*run `sfsync prepare`/);
});
