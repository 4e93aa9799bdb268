/** PostgreSQL 15, which cannot filter origins for pgoutput, and wal2json, which no npm package has. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import { changeMessage } from '../../core/contracts/change-message.ts';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import { parseLsn } from '../../core/contracts/lsn.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { OutputPlugin } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import { ChangeStream } from '../../wal-streamer/change-stream.ts';
import { Heartbeat } from '../../wal-streamer/health.ts';
import { Publisher } from '../../wal-streamer/publisher.ts';
import type { TableChange } from '../../wal-streamer/table-watch.ts';
import type { Launched } from '../support/postgres/installed-postgres.ts';
import { findInstalledPostgres, launchInstalled } from '../support/postgres/installed-postgres.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../support/postgres/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../support/postgres/postgres.ts';
import { useServer } from '../support/postgres/postgres.ts';

const VERSION = 15;
const installed = findInstalledPostgres(VERSION);

function configured(plugin: OutputPlugin) {
  return { ...configuration, settings: { ...configuration.settings, plugin } };
}

/** The streamer in this process, with queues that accept everything. */
function stream(database: TestDatabase, plugin: OutputPlugin) {
  const messages: ChangeMessage[] = [];
  const changes: TableChange[] = [];
  const send = async (bodies: readonly string[]) => {
    messages.push(...bodies.map((body) => changeMessage.parse(JSON.parse(body))));
    return [];
  };
  const publisher = new Publisher(new Map(configuration.objects.map(({ object }) => [object, { send }])), {
    accepted: (_publication, moved) => {
      if (moved) changeStream.confirm();
    },
    failed: () => undefined,
  });
  const { hostname, port } = new URL(database.url);
  const started = Promise.withResolvers<void>();
  const changeStream: ChangeStream = new ChangeStream({
    configuration: configured(plugin),
    database: {
      host: hostname,
      port: Number(port),
      database: database.name,
      user: DEFAULT_NAMES.streamerRole,
      password: TEST_PASSWORDS.streamer,
      ssl: false,
    },
    slot: database.name,
    names: DEFAULT_NAMES,
    publisher,
    heartbeat: new Heartbeat(undefined, () => undefined),
    events: {
      streaming: () => started.resolve(),
      interrupted: (_next, _attempt, error) => started.reject(error),
      unnamedRows: () => undefined,
      unseen: () => undefined,
      changed: () => undefined,
      comparisonsDue: () => undefined,
      tableChanged: (change) => changes.push(change),
    },
  });
  const stop = new AbortController();
  const run = changeStream.run(stop.signal);
  const keysOf = (object: string) =>
    messages.filter((message) => message.object === object).flatMap(({ keys }) => keys);
  return {
    messages,
    changes,
    keysOf,
    run,
    started: () => Promise.race([started.promise, run]),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run.catch(() => undefined);
    },
  };
}

const missing = installed === undefined ? ` (not run: there is no /usr/lib/postgresql/${VERSION})` : '';

describe.skipIf(installed === undefined)(`PostgreSQL ${VERSION}${missing}`, () => {
  let server: TestPostgres;
  let launched: Launched;
  beforeAll(async () => {
    if (installed === undefined) return;
    launched = await launchInstalled(installed);
    server = useServer(launched);
  });
  afterAll(() => server.stop());

  async function preparedDatabase(plugin: OutputPlugin): Promise<TestDatabase & { readonly app: pg.Client }> {
    const database = await server.createDatabase();
    const app = await database.client();
    await app.query(LENDER_TABLES);
    await prepareDatabase(app, configured(plugin), { passwords: TEST_PASSWORDS, slot: database.name });
    return { ...database, app };
  }

  async function confirmedUpToNow({ app, name }: TestDatabase & { readonly app: pg.Client }): Promise<void> {
    const { rows } = await app.query<{ now: string }>('select pg_current_wal_insert_lsn()::text as now');
    const now = parseLsn(rows[0]?.now ?? '0/0');
    for (;;) {
      const slot = await app.query<{ confirmed: string }>(
        'select confirmed_flush_lsn::text as confirmed from pg_replication_slots where slot_name = $1',
        [name],
      );
      if (parseLsn(slot.rows[0]?.confirmed ?? '0/0') >= now) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const noWal2json = installed?.hasWal2json === true ? '' : ' (wal2json is not run: it is not installed)';
  const plugins: readonly OutputPlugin[] = noWal2json === '' ? ['pgoutput', 'wal2json'] : ['pgoutput'];

  describe.each(plugins)(`by %s${noWal2json}`, (plugin) => {
    test('every kind of key, changed keys and exact transactions', async () => {
      const database = await preparedDatabase(plugin);
      const { app } = database;
      await app.query('alter table borrowers replica identity full');
      await using streamer = stream(database, plugin);
      await streamer.started();
      await app.query('begin');
      const { rows } = await app.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
      await app.query("insert into lenders (id, name) values (9007199254740993, 'a')");
      await app.query('update lenders set id = 9007199254740995');
      await app.query("update lenders set name = 'b \" \\ ü \u{1F600}'");
      await app.query('commit');
      await app.query("insert into borrowers (id, last_name) values (7, 'b')");
      await app.query("update borrowers set id = 8, last_name = 'c' where id = 7");
      await app.query('delete from borrowers');
      await app.query("insert into loan_applications (id) values ('6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10')");
      await confirmedUpToNow(database);
      expect(new Map(streamer.keysOf('Account'))).toEqual(
        new Map([
          ['9007199254740993', 'delete'],
          ['9007199254740995', 'update'],
        ]),
      );
      expect(streamer.messages.find(({ object }) => object === 'Account')?.transactions).toEqual([rows[0]?.xid]);
      expect(Date.now() - Date.parse(streamer.messages[0]?.committedAt ?? '')).toBeLessThan(60_000);
      expect(new Map(streamer.keysOf('Contact'))).toEqual(
        new Map([
          ['7', 'delete'],
          ['8', 'delete'],
        ]),
      );
      expect(streamer.keysOf('Opportunity')).toEqual([['6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10', 'insert']]);
    });

    test('nothing of our own transactions, marked by origin or by message; but another feed is not ours', async () => {
      const database = await preparedDatabase(plugin);
      const { app } = database;
      await app.query('select pg_replication_origin_create($1)', [`feed_${database.name}`]);
      await using streamer = stream(database, plugin);
      await streamer.started();
      for (const [origin, id] of [
        ['sfsync_3', 1],
        [`feed_${database.name}`, 500],
      ]) {
        await app.query('select pg_replication_origin_session_setup($1)', [origin]);
        await app.query("insert into lenders (id, name) values ($1, 'a')", [id]);
        await app.query('select pg_replication_origin_session_reset()');
      }
      await app.query('begin');
      await app.query("select pg_logical_emit_message(true, 'sfsync', 'echo')");
      await app.query("insert into lenders (id, name) values (2, 'own, too')");
      await app.query('commit');
      await app.query("insert into lenders (id, name) values (1000, 'the application')");
      await confirmedUpToNow(database);
      expect(streamer.keysOf('Account').map(([key]) => key)).toEqual(['500', '1000']);
      await app.query('select pg_replication_origin_drop($1)', [`feed_${database.name}`]);
    });

    test('TRUNCATE, DDL that is logged, and traffic that is not ours', async () => {
      const database = await preparedDatabase(plugin);
      const { app } = database;
      await using streamer = stream(database, plugin);
      await streamer.started();
      await app.query("insert into lenders (name) values ('a')");
      await app.query('alter table lenders drop column phone');
      await app.query('alter table lenders alter annual_revenue type text');
      await app.query("insert into lenders (name) values ('b')");
      await app.query('truncate lenders cascade');
      await app.query('create table unrelated (t text)');
      await app.query("insert into unrelated select repeat('x', 100) from generate_series(1, 20000)");
      await confirmedUpToNow(database);
      expect(streamer.keysOf('Account').map(([key]) => key)).toEqual(['1', '2']);
      const truncated = streamer.messages.filter((message) => message.truncated === true).map(({ object }) => object);
      expect(truncated.sort()).toEqual(['Account', 'Contact', 'Opportunity']);
      expect(streamer.changes.map(({ table, column }) => `${table}.${column}`).sort()).toEqual([
        'public.lenders.annual_revenue',
        'public.lenders.phone',
      ]);
    });

    test('it goes on exactly where it was', async () => {
      const database = await preparedDatabase(plugin);
      const { app } = database;
      for (let round = 1; round <= 3; round++) {
        await using streamer = stream(database, plugin);
        await app.query("insert into lenders (id, name) values ($1, 'with a reader or without')", [round * 2]);
        await streamer.started();
        await app.query("insert into lenders (id, name) values ($1, 'read')", [round * 2 + 1]);
        await confirmedUpToNow(database);
        expect(streamer.keysOf('Account').map(([key]) => key)).toEqual([String(round * 2), String(round * 2 + 1)]);
      }
    });
  });

  test('a slot of the other plugin stops the streamer, and prepare says what to do', async () => {
    const database = await preparedDatabase('pgoutput');
    await using streamer = stream(database, 'wal2json');
    await expect(streamer.run).rejects.toThrow(
      /made for the output plugin pgoutput, settings\.plugin is wal2json: set it back, or run `sfsync recover-slot`/,
    );
    await expect(prepareDatabase(database.app, configured('wal2json'), { slot: database.name })).rejects.toThrow(
      /made for the output plugin pgoutput, settings\.plugin is wal2json/,
    );
  });

  test('failover to a standby without the slot: waits while it is a standby, then stops and says what to do', async () => {
    const database = await preparedDatabase('pgoutput');
    await using stack = new AsyncDisposableStack();
    const standby = await launched.standby();
    stack.defer(() => standby.shutDown());
    const url = new URL(database.url);
    url.port = new URL(standby.url).port;
    const onStandby = { ...database, url: url.href };
    const recovering = stack.use(stream(onStandby, 'pgoutput'));
    await expect(recovering.started()).rejects.toThrow('The server is a standby');
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    stack.defer(() => admin.end());
    await admin.query('select pg_promote()');
    await expect(recovering.run).rejects.toThrow(/slot \S+ does not exist.*`sfsync recover-slot`/);
  });

  test('a server without the plugin: prepare says what to install or to set', async () => {
    const database = await server.createDatabase();
    const app = await database.client();
    await app.query(LENDER_TABLES);
    const absent = configured('wal2json_unknown' as OutputPlugin);
    const prepared = prepareDatabase(app, absent, { passwords: TEST_PASSWORDS, slot: database.name });
    await expect(prepared).rejects.toThrow(ConfigurationError);
    await expect(prepared).rejects.toThrow(
      /has no output plugin wal2json_unknown .* set settings\.plugin to 'pgoutput'/,
    );
  });
});
