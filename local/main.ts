/** `sfsync dev`, and `npm start` here: the whole of sfsync on this machine, until Ctrl-C. Exit status 1: something did not start, or not end. */
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SyncError } from '../core/errors.ts';
import type { JournalEntry } from '../packages/embedded-aws/embedded-aws.ts';
import { TemplateFault } from './host/template.ts';
import { DirectoryInUse } from './lock.ts';
import { readOptions, type StartOptions } from './options.ts';
import { DatabaseUnavailable } from './postgres/database.ts';
import { type LocalSystem, startLocal } from './system.ts';
import { addressTable } from './terminal/addresses.ts';
import type { DescribedExecution } from './terminal/execution-line.ts';
import { formatDuration, formatLine } from './terminal/line.ts';
import { Progress } from './terminal/progress.ts';
import { printStory } from './terminal/story.ts';

/** Whatever has not ended by then is not waited for: the process ends, and the next start cleans up behind it. */
const STOP_WITHIN_MS = 28_000;
const coloured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;

/** The reason of an abort: a signal asked for the end. */
class Asked extends Error {
  override readonly name = 'Asked' as const;
}

const asked = new AbortController();
// Ctrl-C comes twice under npm: from the terminal and from npm. The second one changes nothing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => asked.abort(new Asked(`stopped by ${signal}`)));
}

process.exitCode = await run(readOptions(process.argv.slice(2)));

async function run(options: StartOptions): Promise<number> {
  if (options.awsEndpoint !== undefined) {
    return refuse(
      `--aws-endpoint ${options.awsEndpoint}: deploying at another endpoint is not part of this version. It would need the Lambdas as archives in its S3, its IAM and ECS, and AppFlow flows, which such endpoints do not run. Start without it: the embedded AWS hosts the same template.`,
    );
  }
  const startedAt = performance.now();
  const progress = new Progress(process.stdout);
  // What happens before everything answers is printed after it.
  const earlier: JournalEntry[] = [];
  let ready = false;
  let system: LocalSystem;
  try {
    say('sfsync is starting on this machine (Ctrl-C ends it)');
    system = await startLocal({
      configurationFile: options.configurationFile,
      pollMs: options.pollMs,
      fresh: options.fresh,
      databaseUrl: process.env.DATABASE_URL || undefined,
      onEntry: (entry) => {
        if (!ready) earlier.push(entry);
      },
      step: (name, work) => progress.step(name, work),
      signal: asked.signal,
    });
  } catch (error) {
    progress.end();
    if (error instanceof Asked) {
      say('stopped');
      return 0;
    }
    return refuse(known(error) ? error.message : String(error instanceof Error ? error.stack : error));
  }
  progress.end();
  say(`\nready after ${formatDuration(performance.now() - startedAt)}\n`);
  for (const note of system.notes) say(`the local org: ${note}`);
  say(addressTable(system.endpoints, relative(process.cwd(), system.directory) || '.', coloured));
  say(`\nendpoints: ${join(system.directory, 'endpoints.json')}; logs: ${join(system.directory, 'logs')}\n`);
  ready = true;
  const endStory = printStory({
    journal: system.journal,
    earlier,
    describe: (executionArn) => system.call<DescribedExecution>('states', 'DescribeExecution', { executionArn }),
    everything: options.verbose,
    print: (line) => say(formatLine(line, coloured)),
  });

  await new Promise<void>((resolve) => {
    if (asked.signal.aborted) resolve();
    asked.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  endStory();
  say('stopping ...');
  return stop(system);
}

async function stop(system: LocalSystem): Promise<number> {
  const timeout = delay(STOP_WITHIN_MS, 'too long' as const, { ref: false });
  try {
    if ((await Promise.race([system.stop(), timeout])) === 'too long') {
      // Its timers and sockets would keep the process for as long as they like.
      process.exit(refuse(`Not everything ended within ${STOP_WITHIN_MS / 1000} s.`));
    }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  say('stopped');
  return 0;
}

/** Of a fault that has an answer only the message is printed; anything else is a bug, and needs its stack. */
function known(error: unknown): error is Error {
  return [SyncError, DirectoryInUse, DatabaseUnavailable, TemplateFault].some((known) => error instanceof known);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
