/** The faults of the database, on a server of their own: each strikes, and what it broke is whole again after its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { Random } from '../plan/random.ts';
import { ChaosDatabase } from './database/chaos-database.ts';
import type { FaultWorld } from './fault.ts';
import { FAULTS } from './faults.ts';

const directory = mkdtempSync(join(tmpdir(), 'sfsync-faults-'));
const secret = { value: JSON.stringify({ username: 'sfsync_apply', password: 'first' }) };
const ran: string[][] = [];
let server: ChaosDatabase;
let world: FaultWorld;

beforeAll(async () => {
  server = await ChaosDatabase.start();
  await server.withOwner((client) =>
    client.query(`
      create role sfsync_apply login password 'first'; create role sfsync_streamer login replication password 'first';
      create table lenders (id int primary key); create table borrowers (id int primary key);
      create table loan_applications (id int primary key); insert into lenders select generate_series(1, 30);
      insert into borrowers table lenders; insert into loan_applications table lenders;
      create publication sfsync for table lenders`),
  );
  await server.query(`select pg_create_logical_replication_slot('sfsync', 'pgoutput')`);
  world = {
    configuration,
    server,
    directory,
    failpointDirectory: directory,
    endpoints: { aws: {}, postgres: {}, salesforce: {}, resources: {} } as FaultWorld['endpoints'],
    call: async <Output>(_service: string, operation: string, input: object) => {
      if (operation === 'GetSecretValue') return { SecretString: secret.value } as Output;
      secret.value = (input as { readonly SecretString: string }).SecretString;
      return {} as Output;
    },
    killSystem: async () => undefined,
    startSystem: async () => undefined,
    sfsync: async (...words) => {
      ran.push([...words]);
      return '';
    },
  };
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

function faultCalled(name: string) {
  const fault = FAULTS.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`no fault ${name}`);
  return fault.begin(world, new Random(name));
}

/** A session as the Lambdas have one. */
async function session(role = 'sfsync_apply', password = 'first'): Promise<pg.Client> {
  const url = new URL(server.url);
  url.username = role;
  url.password = password;
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const answers = async (role?: string, password?: string) => {
  const client = await session(role, password);
  await client.query('select 1');
  await client.end();
};

describe('the database', () => {
  test.each(['postgres killed', 'backend killed'])('%s', async (name) => {
    const client = await session();
    const inForce = await faultCalled(name);
    await expect(client.query('select 1')).rejects.toThrow();
    expect(await inForce.end()).toEqual({ struck: 1 });
    await answers();
  });

  test('sessions ended', async () => {
    const client = await session();
    const inForce = await faultCalled('sessions ended');
    await expect(client.query('select 1')).rejects.toThrow();
    expect((await inForce.end())?.struck).toBeGreaterThanOrEqual(1);
    await answers();
  });

  test('commits held back', async () => {
    const inForce = await faultCalled('commits held back');
    const before = await server.query('select pg_current_wal_lsn() as lsn');
    const written = server.query('insert into lenders values (1000)');
    // It is in the WAL, and nobody sees it.
    await expect
      .poll(() => server.query(`select from pg_stat_activity where wait_event = 'SyncRep'`), { timeout: 5_000 })
      .toHaveLength(1);
    expect(before).toHaveLength(1);
    expect(await server.query('select from lenders where id = 1000')).toEqual([]);
    expect(await inForce.end()).toEqual({ struck: 1 });
    await written;
    expect(await server.query('select from lenders where id = 1000')).toHaveLength(1);
  });

  test('connection limit reached', async () => {
    const inForce = await faultCalled('connection limit reached');
    const limit = Number(inForce.detail.split(' ')[0]);
    const open: pg.Client[] = [];
    const opening = async () => {
      for (let i = 0; i <= limit; i++) open.push(await session());
    };
    await expect(opening()).rejects.toMatchObject({ code: '53300' });
    await inForce.end();
    await answers();
    await Promise.all(open.map((client) => client.end()));
  });

  test('password rotated', async () => {
    const inForce = await faultCalled('password rotated');
    await expect(answers(inForce.detail)).rejects.toMatchObject({ code: '28P01' });
    if (inForce.detail === 'sfsync_streamer') return;
    await inForce.end();
    await answers(inForce.detail, JSON.parse(secret.value).password);
  });

  test.each([
    ['rows locked by the application', /^20 rows of /],
    ['table locked by the application', /^[a-z_]+$/],
  ])('%s', async (name, detail) => {
    const inForce = await faultCalled(name);
    expect(inForce.detail).toMatch(detail);
    const table = inForce.detail.replace('20 rows of ', '');
    const waiting = server.withOwner(async (client) => {
      await client.query(`set lock_timeout = '300ms'`);
      return client.query(`update ${table} set id = id`);
    });
    await expect(waiting).rejects.toMatchObject({ code: '55P03' });
    await inForce.end();
    await server.query(`update ${table} set id = id`);
  });

  test('slot moved by another reader', async () => {
    await using streamer = await stoppable();
    writeFileSync(join(directory, 'processes.json'), JSON.stringify([{ pid: streamer.pid, words: [] }]));
    await server.query('insert into lenders values (2000)');
    const inForce = await faultCalled('slot moved by another reader');
    expect(Number.parseInt(inForce.detail, 10)).toBeGreaterThan(0);
    expect(await streamer.signal).toBe('SIGKILL');
  });

  test('failover without the slot', async () => {
    const inForce = await faultCalled('failover without the slot');
    expect(inForce.detail).toBe('the slot is lost');
    expect(await server.query('select from pg_replication_slots')).toEqual([]);
    // The operator makes it anew, and the streamer reads it: neither is here.
    await server.query(`select pg_create_logical_replication_slot('sfsync', 'pgoutput')`);
    expect(await server.query('select from lenders where id = 2000')).toHaveLength(1);
  });
});

/** A process that stands for the streamer. */
async function stoppable() {
  const child = spawn('sleep', ['60']);
  const ended = once(child, 'exit');
  return {
    pid: child.pid,
    signal: ended.then(([, signal]) => signal as NodeJS.Signals | null),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
