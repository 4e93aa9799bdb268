/**
 * A server of the system's own PostgreSQL packages (Debian's places), where tests need a version or plugin that no npm
 * package has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface InstalledPostgres {
  readonly directory: string;
  readonly hasWal2json: boolean;
}

/** undefined: it is not installed here. */
export function findInstalledPostgres(version: number): InstalledPostgres | undefined {
  const directory = `/usr/lib/postgresql/${version}`;
  if (!existsSync(join(directory, 'bin/initdb'))) return undefined;
  return { directory, hasWal2json: existsSync(join(directory, 'lib/wal2json.so')) };
}

export interface Launched {
  readonly url: string;
  /** Makes a standby of it, which can be promoted; shut down before its primary. */
  standby(): Promise<Launched>;
  shutDown(): Promise<void>;
}

/** Starts it in a new data directory; whoever launches a server shuts it down. */
export async function launchInstalled({ directory }: InstalledPostgres): Promise<Launched> {
  const place = await mkdtemp(join(tmpdir(), 'sfsync-postgres-'));
  const owner = ownerOfServer();
  if (owner !== undefined) await chown(place, owner.uid, owner.gid);
  run(
    join(directory, 'bin/initdb'),
    ['-D', join(place, 'data'), '-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C'],
    place,
  );
  return start(directory, place);
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(program, args, { ...ownerOfServer(), cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}

async function start(directory: string, place: string): Promise<Launched> {
  const owner = ownerOfServer();
  const data = join(place, 'data');
  const bin = (name: string) => join(directory, 'bin', name);
  const port = await freePort();
  const flags = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'wal_level=logical',
    'max_replication_slots=40',
    'max_wal_senders=20',
    'fsync=off',
  ].flatMap((setting) => ['-c', setting]);
  const server = spawn(bin('postgres'), ['-D', data, ...flags], {
    ...owner,
    cwd: place,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(server, 'close');
  const log: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: server.stderr }).on('line', (line) => {
    log.push(line);
    if (/ready to accept (read-only )?connections/.test(line)) ready.resolve();
  });
  await Promise.race([
    ready.promise,
    ended.then(() => {
      throw new Error(`PostgreSQL did not start: ${log.join('\n')}`);
    }),
  ]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    async standby() {
      const copy = await mkdtemp(join(tmpdir(), 'sfsync-postgres-'));
      if (owner !== undefined) await chown(copy, owner.uid, owner.gid);
      const flags = ['-D', join(copy, 'data'), '--write-recovery-conf', '--checkpoint=fast', '--no-sync', '-d', url];
      run(bin('pg_basebackup'), flags, copy);
      return start(directory, copy);
    },
    async shutDown() {
      // Fast shutdown, which ends the sessions that are left.
      server.kill('SIGINT');
      await ended;
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: then it runs as the user of the packages. */
function ownerOfServer(): { uid: number; gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
