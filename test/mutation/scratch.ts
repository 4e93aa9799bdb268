/** Where a run makes what it needs, and how all of it goes. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDirectory } from '../support/run/memory-directory.ts';

/**
 * A directory for temporary files, of this process and of those that it starts. It goes when this process ends, with the other
 * directories; so do Stryker's processes and their servers, which stay where a run is interrupted.
 */
export function makeScratch(others: readonly string[]): string {
  const scratch = mkdtempSync(join(memoryDirectory() ?? tmpdir(), 'sfsync-mutation-'));
  // PostgreSQL runs as another user when root starts it.
  chmodSync(scratch, 0o755);
  process.env.TMPDIR = scratch;
  process.once('exit', () => {
    for (const pid of below(process.pid)) end(pid);
    for (const directory of [scratch, ...others]) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return scratch;
}

/** The processes below one, where the system lists them: Linux. */
function below(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').match(/\d+/g),
    );
    return children.filter((child) => child !== null).flatMap((child) => [Number(child), ...below(Number(child))]);
  } catch {
    return [];
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
