import { execFileSync, spawnSync } from 'node:child_process';

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user that runs the server: PostgreSQL refuses to run as root, so for root it is user `postgres`, or `nobody` where the machine
 * has no such user. Undefined: the user of this process. Throws an Error when the machine has neither.
 */
export function serverUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const user = { uid: idOf('-u', name), gid: idOf('-g', name) };
    if (user.uid !== undefined && user.gid !== undefined) return { uid: user.uid, gid: user.gid };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and this machine has neither a user postgres nor nobody: run as an ordinary user.',
  );
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  } catch {
    // `id` fails for a user that does not exist.
    return undefined;
  }
}

/** Whether `user` can enter the directory, or run the file: every directory above must let it through, too. */
export function canReach(path: string, user: SystemUser | undefined): boolean {
  if (user === undefined) return true;
  // The directory to start in matters, too: a process that may not be there fails before it looks at the path.
  return spawnSync('test', ['-x', path], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}
