/**
 * The failpoints of a project copy: in place of `core/failpoint.ts`, whose list it keeps. A failpoint is armed by a file of its name; the
 * first that comes by takes the file away, passes as often as it says, and dies as a killed Lambda or a killed process does: no `finally`,
 * no goodbye to any server.
 */
import { appendFileSync, existsSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Failpoint } from '../../../core/failpoint.ts';

/** A copy has its own directory here; see failpoint-overlay.ts. */
const DIRECTORY = 'no directory';

/** What an armed file holds. */
export interface Armed {
  /** How often the place is passed unharmed. */
  readonly passes: number;
  /** Only in functions whose name contains this text; undefined: anywhere. */
  readonly function?: string | undefined;
  /** Milliseconds since 1970; whoever took the file and has not died by then lives on. */
  readonly until: number;
}

let taken: { readonly name: Failpoint; readonly until: number; passes: number } | undefined;

export function failpoint(name: Failpoint): void {
  if (taken !== undefined && Date.now() > taken.until) taken = undefined;
  taken ??= take(name);
  if (taken?.name !== name) return;
  if (taken.passes === 0) die(name);
  taken.passes -= 1;
}

function take(name: Failpoint): typeof taken {
  const file = join(DIRECTORY, name);
  if (!existsSync(file)) return undefined;
  try {
    const armed = JSON.parse(readFileSync(file, 'utf8')) as Armed;
    const self = process.env.AWS_LAMBDA_FUNCTION_NAME ?? '';
    if (Date.now() > armed.until || !self.includes(armed.function ?? '')) return undefined;
    unlinkSync(file);
    return { name, until: armed.until, passes: armed.passes };
  } catch {
    // Another one was faster.
    return undefined;
  }
}

function die(name: Failpoint): void {
  appendFileSync(join(DIRECTORY, 'struck'), `${name}\n`);
  // A Lambda is a thread here, and the streamer a process.
  if (isMainThread) process.kill(process.pid, 'SIGKILL');
  else process.exit(1);
}
