import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import type { Lsn } from '../../../core/contracts/lsn.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { ReplicationConnection } from '../../../postgres/stream/replication-connection.ts';
import { PgoutputDecoder } from '../../../wal-streamer/decoding/pgoutput.ts';
import type { StreamMessage } from '../../../wal-streamer/decoding/stream-message.ts';
import { LENDER_TABLES } from '../../support/postgres/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
let database: TestDatabase;
let app: pg.Client;
beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
  app = await database.client();
  await app.query(LENDER_TABLES);
  await app.query('create publication sfsync for table lenders, borrowers, loan_applications');
  await app.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [database.name]);
});
afterAll(() => server.stop());

interface Listening {
  readonly message?: (message: StreamMessage) => undefined | Promise<void>;
  readonly keepalive?: (position: Lsn) => void;
}

function connect({ message = () => undefined, keepalive = () => undefined }: Listening) {
  const { hostname: host, port, username: user, password } = new URL(database.url);
  const decoder = new PgoutputDecoder(configuration.objects);
  const started = Promise.withResolvers<void>();
  const connection = new ReplicationConnection(
    {
      database: { host, port: Number(port), database: database.name, user, password, ssl: false },
      slot: database.name,
      plugin: 'pgoutput',
      names: DEFAULT_NAMES,
      mappings: configuration.objects,
    },
    (bytes) => decoder.decode(bytes),
    { starting: () => undefined, started: () => started.resolve(), message, keepalive, asked: () => undefined },
  );
  const run = connection.run();
  return { connection, run, started: started.promise };
}

/** A server that is busy may end the old connection after we have closed it, and sends no signal: it is asked until it has. */
async function slotIsFree(): Promise<void> {
  for (;;) {
    const { rows } = await app.query('select from pg_replication_slots where slot_name = $1 and active', [
      database.name,
    ]);
    if (rows.length === 0) return;
    await pause(10);
  }
}

/** The transactions from here on, read until `count` of them, as their key, and where their commits begin and end. */
async function readTransactions(count: number, report?: (ends: readonly Lsn[]) => Lsn) {
  const transactions: { key: string; commitStart: Lsn; end: Lsn }[] = [];
  const all = Promise.withResolvers<void>();
  let [key, commitStart] = ['', 0n];
  await slotIsFree();
  const { connection, run } = connect({
    message(message) {
      if (message.kind === 'begin') commitStart = message.commitStart;
      if (message.kind === 'change') key = message.key;
      if (message.kind === 'commit') transactions.push({ key, commitStart, end: message.end });
      if (transactions.length === count) all.resolve();
      return undefined;
    },
  });
  await Promise.race([all.promise, run]);
  if (report !== undefined) connection.report(report(transactions.map(({ end }) => end)), false);
  await connection.close();
  await run;
  return transactions;
}

test('of two commits without a byte between them, confirming the first leaves the second', async () => {
  const [one, two] = [await database.client(), await database.client()];
  for (let attempt = 1; ; attempt++) {
    // The rows are written first, so that only the commit records are left.
    await one.query('begin');
    await two.query('begin');
    await one.query('insert into lenders (id) values ($1)', [attempt * 2]);
    await two.query('insert into lenders (id) values ($1)', [attempt * 2 + 1]);
    await Promise.all([one.query('commit'), two.query('commit')]);
    const [first, second] = await readTransactions(2, (ends) => ends[0] ?? 0n);
    const again = await readTransactions(1, (ends) => ends[0] ?? 0n);
    expect(again).toEqual([second]);
    // Other tests write into the same WAL: until none did in between, it proves nothing.
    if (second?.commitStart === first?.end) return;
    if (attempt === 100) throw new Error('The commits were never adjacent.');
  }
});

test('a keepalive is passed on after the messages that came before it, however slow they are', async () => {
  const keys: string[] = [];
  const keepalives: { position: Lsn; afterChanges: number }[] = [];
  let end = 0n;
  const done = Promise.withResolvers<void>();
  await slotIsFree();
  const { connection, run } = connect({
    message(message) {
      // While nothing is read the server sends the rest, and the keepalive: they arrive in one piece.
      if (message.kind === 'begin') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      if (message.kind === 'commit') end = message.end;
      if (message.kind !== 'change') return undefined;
      return new Promise((resolve) => {
        setTimeout(() => {
          keys.push(message.key);
          resolve();
        }, 5);
      });
    },
    keepalive(position) {
      keepalives.push({ position, afterChanges: keys.length });
      if (end > 0n && position >= end) done.resolve();
    },
  });
  await app.query('insert into borrowers (id) select n from generate_series(1, 20) n');
  await Promise.race([done.promise, run]);
  expect(keys).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 1)));
  expect(keepalives.filter(({ position, afterChanges }) => position >= end && afterChanges < 20)).toEqual([]);
  connection.report(end, false);
  await connection.close();
  await run;
});

test('what cannot be handled ends the stream, and nothing after it is handled', async () => {
  const handled: string[] = [];
  await slotIsFree();
  const { run } = connect({
    message(message) {
      if (message.kind === 'change') {
        handled.push(message.key);
        if (message.key === '101') return Promise.reject(new Error('no room on earth'));
      }
      return undefined;
    },
  });
  await app.query('insert into borrowers (id) select n from generate_series(100, 110) n');
  await expect(run).rejects.toThrow('no room on earth');
  expect(handled).toEqual(['100', '101']);
  // And all of it comes again on the next connection.
  const again = await readTransactions(1, (ends) => ends[0] ?? 0n);
  expect(again.at(-1)?.key).toBe('110');
});

test('closing in the middle of a large transaction, with the stream held up, takes no time', async () => {
  await app.query("insert into lenders (id, name) select n, repeat('x', 200) from generate_series(1000, 60000) n");
  const stuck = Promise.withResolvers<void>();
  await slotIsFree();
  const { connection, run } = connect({
    message(message) {
      if (message.kind !== 'change') return undefined;
      stuck.resolve();
      return new Promise(() => undefined);
    },
  });
  await Promise.race([stuck.promise, run]);
  const started = performance.now();
  await connection.close();
  await run;
  expect(performance.now() - started).toBeLessThan(3_000);
});

test('a slot in use is refused with the code that says so', async () => {
  await slotIsFree();
  const first = connect({});
  await Promise.race([first.started, first.run]);
  await expect(connect({}).run).rejects.toSatisfy(
    (error) => error instanceof pg.DatabaseError && error.code === '55006',
  );
  await first.connection.close();
  await first.run;
});
