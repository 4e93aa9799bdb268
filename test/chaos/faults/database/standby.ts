/** A standby of a server: a copy of its data that follows it, waits for no one, and can take its place. */
import { execFile } from 'node:child_process';
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { serverDirectory } from '../../../support/postgres/launched-server.ts';
import { type ChaosServer, SERVER_PREFIX } from './server.ts';

/** Of a data directory: what belongs to the running server only, or comes through the stream. */
const LEFT_OUT = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_stat_tmp',
  'postmaster.pid',
  'postmaster.opts',
  'standby.signal',
]);
const PHYSICAL_SLOT = 'chaos_standby';
const PATIENCE_MS = 30_000;

export interface StandbyOptions {
  readonly database: string;
  /** A logical slot that is to go on at the standby, as PostgreSQL 17 and later can carry it over; undefined: none. */
  readonly slot: string | undefined;
}

/**
 * Makes a standby, and answers once no commit is acknowledged without it. The base backup is taken by SQL, for the packaged server has no
 * `pg_basebackup`.
 */
export async function makeStandby(primary: ChaosServer, { database, slot }: StandbyOptions): Promise<ChaosServer> {
  const directory = await serverDirectory(primary.user, SERVER_PREFIX);
  return primary.withClient(async (client) => {
    await client.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${PHYSICAL_SLOT}'`,
    );
    // From here on the WAL that the copy needs is kept.
    await client.query(`select pg_create_physical_replication_slot('${PHYSICAL_SLOT}', true)`);
    if (slot !== undefined) await carryOver(primary, client, database, slot);
    await client.query(`select pg_backup_start('chaos', true)`);
    await copyData(primary, directory);
    const { rows } = await client.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)');
    await follow(primary, directory, { label: rows[0]?.label ?? '', database, slot });
    const standby = await primary.started(directory);
    try {
      await becomesSynchronous(client);
      if (slot !== undefined) await slotIsThere(client, standby, database, slot);
    } catch (error) {
      // Nothing would be acknowledged any more.
      await client.query('alter system reset synchronous_standby_names').catch(() => undefined);
      await client.query('select pg_reload_conf()').catch(() => undefined);
      await standby.stop();
      await standby.remove();
      throw error;
    }
    return standby;
  }, database);
}

/** From here on no commit is acknowledged that the standby does not have; nor has one been before. */
async function becomesSynchronous(client: pg.Client): Promise<void> {
  await waitFor(client, `select from pg_stat_replication where state = 'streaming'`);
  await client.query(`alter system set synchronous_standby_names = '*'`);
  await client.query('select pg_reload_conf()');
  // What was acknowledged before, too: a moment of its own, for there is always more.
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
  await waitFor(client, `select from pg_stat_replication where sync_state = 'sync' and flush_lsn >= '${rows[0]?.lsn}'`);
}

/** Ends recovery: the standby is the server now. */
export async function promote(standby: ChaosServer, database: string): Promise<void> {
  await standby.withClient(async (client) => {
    await client.query('select pg_promote(true, 30)');
    // The standby's own file has them only where an earlier primary was asked for them.
    await client.query('alter system reset synchronous_standby_names');
    await client.query('select pg_reload_conf()');
    await client.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${PHYSICAL_SLOT}' and not active`,
    );
  }, database);
}

async function copyData(primary: ChaosServer, directory: string): Promise<void> {
  const [from, to] = [join(primary.directory, 'data'), join(directory, 'data')];
  await mkdir(to, { mode: 0o700 });
  const entries = (await readdir(from)).filter((name) => !LEFT_OUT.has(name));
  const copied = promisify(execFile)('cp', ['-a', '-t', to, '--', ...entries.map((name) => join(from, name))]);
  // Files that the server has removed meanwhile are none that the copy needs: WAL says so.
  await copied.catch((error: { readonly stderr?: string }) => {
    const others = (error.stderr ?? '')
      .split('\n')
      .filter((line) => line !== '' && !/No such file or directory/.test(line));
    if (others.length > 0) throw error;
  });
  for (const empty of ['pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot', 'pg_stat_tmp']) {
    await mkdir(join(to, empty), { recursive: true, mode: 0o700 });
  }
}

async function follow(
  primary: ChaosServer,
  directory: string,
  { label, database, slot }: StandbyOptions & { readonly label: string },
): Promise<void> {
  const data = join(directory, 'data');
  const way = `host=127.0.0.1 port=${primary.port} user=postgres password=${primary.password} dbname=${database}`;
  const settings = [
    `primary_conninfo = '${way}'`,
    `primary_slot_name = '${PHYSICAL_SLOT}'`,
    'hot_standby_feedback = on',
    `sync_replication_slots = ${slot === undefined ? 'off' : 'on'}`,
    `synchronous_standby_names = ''`,
  ];
  const files = { backup_label: label, 'standby.signal': '', 'postgresql.auto.conf': `${settings.join('\n')}\n` };
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text, { mode: 0o600 });
  const { user } = primary;
  if (user === undefined) return;
  const made = [
    'pg_wal',
    'pg_wal/archive_status',
    'pg_wal/summaries',
    'pg_replslot',
    'pg_stat_tmp',
    ...Object.keys(files),
  ];
  await Promise.all(['', ...made].map((name) => chown(join(data, name), user.uid, user.gid)));
}

/** Only a slot that nobody reads can be told so: its reader is ended, and connects again. */
async function carryOver(primary: ChaosServer, client: pg.Client, database: string, slot: string): Promise<void> {
  const replication = new pg.Client({
    host: '127.0.0.1',
    port: primary.port,
    user: 'postgres',
    password: primary.password,
    database,
    replication: 'database',
  } as pg.ClientConfig);
  replication.on('error', () => undefined);
  await replication.connect();
  try {
    for (const until = Date.now() + PATIENCE_MS; ; ) {
      const { rows } = await client.query<{ failover: boolean }>(
        'select failover from pg_replication_slots where slot_name = $1',
        [slot],
      );
      if (rows[0] === undefined) throw new Error(`There is no slot ${slot} to carry over`);
      if (rows[0].failover) return;
      await client.query('select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1', [
        slot,
      ]);
      const done = await replication.query(`ALTER_REPLICATION_SLOT "${slot}" (FAILOVER true)`).then(
        () => true,
        (error: unknown) => {
          if (Date.now() > until) throw error;
          return false;
        },
      );
      if (done) return;
    }
  } finally {
    await replication.end().catch(() => undefined);
  }
}

async function slotIsThere(primary: pg.Client, standby: ChaosServer, database: string, slot: string): Promise<void> {
  // A slot that is still being built up there is lost in a failover. What it waits for is logged every 15 s, or when asked.
  const sql = `select from pg_replication_slots where slot_name = '${slot}' and synced and not temporary and invalidation_reason is null`;
  await standby.withClient(
    (client) => waitFor(client, sql, () => primary.query('select pg_log_standby_snapshot()')),
    database,
  );
}

async function waitFor(
  client: pg.Client,
  sql: string,
  nudge: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    if ((await client.query(sql)).rowCount !== 0) return;
    if (Date.now() > until) throw new Error(`In vain for ${PATIENCE_MS / 1000} s: ${sql}`);
    await nudge();
    // The server sends no notice of it.
    await pause(100);
  }
}
