import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLsn } from '../../core/contracts/lsn.ts';
import type { TestPostgres } from '../support/postgres/postgres.ts';
import { startPostgres } from '../support/postgres/postgres.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import { startStreamer } from '../support/system/streamer.ts';
import { caughtUp, confirmedUpToNow, keysOf, slotOf, streamerDatabase } from '../support/system/streamer-database.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describe('what is published', () => {
  test('which rows changed and how, with the exact transactions; announced and confirmed', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    expect((await streamer.streaming()).level).toBe('INFO');
    await database.app.query('begin');
    const { rows } = await database.app.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    await database.app.query("insert into lenders (name) values ('Northwind'), ('Contoso')");
    await database.app.query("update lenders set name = 'Fabrikam' where id = 1");
    await database.app.query('commit');
    await queues.until(() => queues.messages.length === 1);
    expect(queues.messages[0]).toEqual({
      object: 'Account',
      keys: [
        ['1', 'update'],
        ['2', 'insert'],
      ],
      position: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      committedAt: expect.stringMatching(/Z$/),
      transactions: [rows[0]?.xid],
    });
    await queues.until(() => queues.announced.includes('Account'));
    await confirmedUpToNow(database);
    const published = await streamer.line(({ message }) => message === 'published');
    expect(published).toMatchObject({ object: 'Account', keys: 2, position: queues.messages[0]?.position });
    expect(JSON.stringify(streamer.lines)).not.toMatch(/Northwind|Fabrikam|-password/);
  });

  test('every kind of key, and both keys of a row whose key changes, under each replica identity', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    await app.query('alter table borrowers replica identity full');
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query("insert into lenders (id, name) values (7, 'a')");
    await app.query('update lenders set id = 8 where id = 7');
    await app.query("insert into borrowers (id, last_name) values (7, 'b')");
    await app.query("update borrowers set id = 8, last_name = 'c' where id = 7");
    await app.query("update borrowers set last_name = 'd'");
    await app.query('delete from borrowers');
    await app.query("insert into loan_applications (id) values ('6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10')");
    await confirmedUpToNow(database);
    expect(new Set(keysOf(queues))).toEqual(new Set(['7', '8']));
    expect(
      queues.messages
        .flatMap(({ keys }) => keys)
        .filter(([key]) => key === '7')
        .at(-1)?.[1],
    ).toBe('delete');
    expect(new Set(keysOf(queues, 'Contact'))).toEqual(new Set(['7', '8']));
    expect(keysOf(queues, 'Opportunity')).toEqual(['6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10']);
  });

  test('nothing of our own transactions, marked by origin or by message; but another feed is not ours', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    const another = `feed_${database.name}`;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await withOrigin(app, 'sfsync_', "insert into lenders (name) values ('own')");
    await app.query('begin');
    await app.query("select pg_logical_emit_message(true, 'sfsync', 'echo')");
    await app.query("insert into lenders (name) values ('own, too')");
    await app.query('commit');
    // The other feed starts after the stream.
    await app.query('select pg_replication_origin_create($1)', [another]);
    await withOrigin(app, another, "insert into lenders (id, name) values (500, 'fed')");
    await app.query("insert into lenders (id, name) values (1000, 'the application')");
    await queues.until(() => keysOf(queues).includes('1000'));
    expect(keysOf(queues)).toEqual(['500', '1000']);
    await app.query('select pg_replication_origin_drop($1)', [another]);
  });

  test('of truncated tables that their rows are gone, with the transaction', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query('begin');
    const { rows } = await app.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    await app.query("insert into borrowers (last_name) values ('short-lived')");
    await app.query('truncate lenders, borrowers, loan_applications');
    await app.query("insert into borrowers (last_name) values ('new')");
    await app.query('commit');
    await confirmedUpToNow(database);
    const truncates = queues.messages.filter(({ truncated }) => truncated === true);
    expect(truncates.sort((a, b) => a.object.localeCompare(b.object))).toEqual(
      ['Account', 'Contact', 'Opportunity'].map((object) => ({
        object,
        keys: [],
        truncated: true,
        position: expect.any(String),
        committedAt: expect.any(String),
        transactions: [rows[0]?.xid],
      })),
    );
    expect(keysOf(queues, 'Contact')).toEqual(['1', '2']);
    const truncated = streamer.lines.filter(({ message }) => message.startsWith('a mapped table was truncated'));
    expect(truncated.map(({ object }) => object)).toEqual(['Account', 'Contact', 'Opportunity']);
  });

  test('all rows of a table whose replica identity does not name the deleted one', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    await app.query("insert into lenders (name, salesforce_id) values ('a', 'x')");
    await app.query('alter table lenders alter salesforce_id set not null');
    await app.query('alter table lenders replica identity using index lenders_salesforce_id_key');
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query('delete from lenders');
    await queues.until(() => queues.messages.some(({ truncated }) => truncated === true));
    const { message } = await streamer.line(({ level, table }) => level === 'WARN' && table === 'public.lenders');
    expect(message).toContain('the replica identity lacks the key');
  });

  test('what is written before and after DDL, which is logged', async () => {
    const database = await streamerDatabase(server);
    const { app } = database;
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await app.query("insert into lenders (name) values ('before')");
    await app.query('alter table lenders drop column phone');
    await app.query('alter table lenders alter annual_revenue type text');
    await app.query('alter table lenders rename id to lender_id');
    await app.query("insert into lenders (name) values ('after')");
    await app.query('delete from lenders where lender_id = 1');
    await confirmedUpToNow(database);
    expect(new Set(keysOf(queues))).toEqual(new Set(['1', '2']));
    const warnings = streamer.lines.filter(({ message }) => message.startsWith('a mapped table was changed'));
    expect(new Set(warnings.map(({ column }) => column))).toEqual(new Set(['phone', 'annual_revenue', 'id']));
    expect(warnings).toHaveLength(3);
  });
});

/** Runs the statement as a writer under an origin; `sfsync_` stands for the first that no other session holds now. */
async function withOrigin(app: pg.Client, origin: string, statement: string): Promise<void> {
  const names = origin === 'sfsync_' ? [7, 6, 5, 4, 3, 2, 1, 0].map((n) => `sfsync_${n}`) : [origin];
  for (const name of names) {
    const held = await app.query('select pg_replication_origin_session_setup($1)', [name]).catch(() => undefined);
    if (held === undefined) continue;
    await app.query(statement);
    await app.query('select pg_replication_origin_session_reset()');
    return;
  }
  throw new Error(`No origin of ${names.join(', ')} was free.`);
}

describe('the position', () => {
  test('advances past traffic that is not ours, and while nothing happens at all', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await database.app.query('create table unrelated (t text)');
    await database.app.query("insert into unrelated select repeat('x', 100) from generate_series(1, 50000)");
    await confirmedUpToNow(database);
    await database.app.query("select pg_logical_emit_message(false, 'unknown', 'a position')");
    await confirmedUpToNow(database);
    expect(queues.messages).toEqual([]);
  });

  test('stays in front of what the queue has not accepted, whatever comes after it', async () => {
    const database = await streamerDatabase(server);
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    await confirmedUpToNow(database);
    queues.away = true;
    const before = parseLsn((await slotOf(database)).confirmed);
    await database.app.query("insert into lenders (name) values ('stuck')");
    await streamer.line(({ message }) => message === 'changes cannot be published');
    await database.app.query('create table unrelated (t text)');
    await database.app.query("insert into unrelated select repeat('x', 100) from generate_series(1, 5000)");
    await database.app.query("insert into borrowers (last_name) values ('stuck, too')");
    const { rows } = await database.app.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await caughtUp(database);
    // Longer than the streamer keeps a position to itself.
    await pause(1_000);
    const during = parseLsn((await slotOf(database)).confirmed);
    expect(during).toBeGreaterThanOrEqual(before);
    expect(during).toBeLessThan(parseLsn(rows[0]?.lsn ?? '0/0'));
    queues.away = false;
    await queues.until(() => keysOf(queues, 'Contact').length > 0 && keysOf(queues).length > 0);
    await confirmedUpToNow(database);
  });
});
