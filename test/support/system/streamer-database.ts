/** A database of the lender for a streamer that runs as a process of its own, and what its slot has come to. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { parseLsn } from '../../../core/contracts/lsn.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../postgres/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../postgres/postgres.ts';
import type { QueueService } from './queue-service.ts';

/** `app`: the application's session, as the owner. The slot is called as the database. */
export type StreamerDatabase = TestDatabase & { readonly app: pg.Client };

export async function streamerDatabase(on: TestPostgres): Promise<StreamerDatabase> {
  const database = await on.createDatabase();
  const app = await database.client();
  await app.query(LENDER_TABLES);
  await prepareDatabase(app, configuration, { passwords: TEST_PASSWORDS, slot: database.name });
  return { ...database, app };
}

export async function slotOf(database: StreamerDatabase) {
  const { rows } = await database.app.query<{ confirmed: string; active_pid: number | null; behind: string }>(
    `select confirmed_flush_lsn::text as confirmed, active_pid, pg_current_wal_insert_lsn() - confirmed_flush_lsn as behind
       from pg_replication_slots where slot_name = $1`,
    [database.name],
  );
  return rows[0] ?? { confirmed: '0/0', active_pid: null, behind: '0' };
}

/** A slot sends no signal: it is asked until it has confirmed everything up to now. */
export async function confirmedUpToNow(database: StreamerDatabase): Promise<void> {
  const { rows } = await database.app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
  const now = parseLsn(rows[0]?.now ?? '0/0');
  while (parseLsn((await slotOf(database)).confirmed) < now) await pause(20);
}

/** The server has sent everything up to now, whatever is confirmed. */
export async function caughtUp(database: StreamerDatabase): Promise<void> {
  const { rows } = await database.app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
  const now = parseLsn(rows[0]?.now ?? '0/0');
  for (;;) {
    const sent = await database.app.query<{ sent: string | null }>(
      `select r.sent_lsn::text as sent from pg_stat_replication r
         join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = $1`,
      [database.name],
    );
    if (parseLsn(sent.rows[0]?.sent ?? '0/0') >= now) return;
    await pause(20);
  }
}

export function keysOf(queues: QueueService, object = 'Account'): string[] {
  return queues.messages.filter((message) => message.object === object).flatMap(({ keys }) => keys.map(([key]) => key));
}
