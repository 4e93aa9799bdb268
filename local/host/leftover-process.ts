import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A process that an earlier run started, and words that its command line has: its id may be another process's by now. */
export interface KnownProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

const LOOK_EVERY_MS = 50;

/**
 * Ends the process if it still is the one that is meant: by `signal`, and by SIGKILL after `timeoutMs`. Waits until it
 * is gone.
 */
export async function endProcess(known: KnownProcess, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  if (!(await isRunning(known))) return;
  send(known.pid, signal);
  const deadline = performance.now() + timeoutMs;
  // Only a parent is notified of a process's end; any other process has to look.
  while (await isRunning(known)) {
    if (performance.now() > deadline) send(known.pid, 'SIGKILL');
    await delay(LOOK_EVERY_MS);
  }
}

/** Whether it still runs; one that has ended and only waits for its parent does not. */
export async function isRunning({ pid, words }: KnownProcess): Promise<boolean> {
  const commandLine = await commandLineOf(pid);
  return commandLine !== undefined && words.every((word) => commandLine.includes(word));
}

async function commandLineOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    // Empty for a process that has ended and waits for its parent.
    return readFile(`/proc/${pid}/cmdline`, 'utf8').then(
      (text) => text.replaceAll('\0', ' ') || undefined,
      () => undefined,
    );
  }
  return promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  );
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
