/** A place for temporary files that costs no disk: the tests' databases and stores are many, short-lived and flushed often. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';

const DIRECTORY = '/dev/shm';
/** A run needs about 3 GB at most, half of it for the ledger of two million links; what is missing later would fail tests. */
const NEEDED_BYTES = 5 * 2 ** 30;

/** Linux's file system in memory, where it is large enough and programs may be run from it; otherwise undefined. */
export function memoryDirectory(): string | undefined {
  if (!existsSync(DIRECTORY) || !existsSync('/proc/mounts')) return undefined;
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, place]) => place === DIRECTORY);
  const [, , type, options = ''] = mount ?? [];
  if (type !== 'tmpfs' || options.split(',').includes('noexec')) return undefined;
  const { bavail, bsize } = statfsSync(DIRECTORY);
  return bavail * bsize >= NEEDED_BYTES ? DIRECTORY : undefined;
}
