import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { isRunning } from '../../../local/host/leftover-process.ts';
import { type PostgresServer, startServer } from '../../../local/postgres/server.ts';
import { removeServerFiles } from '../../../local/postgres/server-files.ts';
import { freePorts } from '../../../packages/embedded-aws/ports.ts';

const directories: string[] = [];
const servers: PostgresServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const directory of directories.splice(0)) {
    await removeServerFiles(directory);
    await rm(directory, { recursive: true, force: true });
  }
});

async function stateDirectory(mode: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sfsync-local-'));
  await chmod(directory, mode);
  directories.push(directory);
  return directory;
}

async function start(directory: string, onDeath: (reason: string) => void = () => undefined): Promise<PostgresServer> {
  const server = await startServer({
    stateDirectory: directory,
    password: 'secret',
    ports: freePorts([]),
    logFile: join(directory, 'logs', 'postgres.log'),
    onDeath,
  });
  servers.push(server);
  return server;
}

async function query(server: PostgresServer, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', password: 'secret' });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

// 0700: as root, the server's own user cannot get into the project then.
test.each([0o755, 0o700])('data is there again after a stop (directory of mode %o)', async (mode) => {
  const directory = await stateDirectory(mode);
  const first = await start(directory);
  await query(first, 'create table kept (x int)');
  expect(await query(first, 'show wal_level')).toEqual([{ wal_level: 'logical' }]);
  await first.stop();

  const second = await start(directory);
  expect(await query(second, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }]);
});

test('a server that a killed run left behind is ended before its data is used', async () => {
  const directory = await stateDirectory(0o755);
  const leftBehind = await start(directory);
  const pid = leftBehind.pid ?? 0;

  const next = await start(directory);
  expect(await query(next, 'select 1 as one')).toEqual([{ one: 1 }]);
  await expect.poll(() => isRunning({ pid, words: [] })).toBe(false);
  // Supervised by the first handle, it would come back.
  await servers[0]?.stop();
});

test('a server that dies is started again', async () => {
  const directory = await stateDirectory(0o755);
  const died = Promise.withResolvers<string>();
  const server = await start(directory, died.resolve);
  process.kill(server.pid ?? 0, 'SIGKILL');
  expect(await died.promise).toBe('SIGKILL');
  await expect
    .poll(() => query(server, 'select 1 as one').catch(() => undefined), { timeout: 15_000 })
    .toEqual([{ one: 1 }]);
});

test('removing the files leaves nothing, wherever they lie', async () => {
  const directory = await stateDirectory(0o700);
  const server = await start(directory);
  await server.stop();
  const home = execFileSync('readlink', ['-f', join(directory, 'postgres')], { encoding: 'utf8' }).trim();
  expect(existsSync(home)).toBe(true);
  await removeServerFiles(directory);
  expect([existsSync(home), existsSync(join(directory, 'postgres'))]).toEqual([false, false]);
});
