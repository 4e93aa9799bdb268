/** `npm run demo`: starts everything fresh, performs each kind of change once and checks it. Exit status 1: a step failed. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command } from 'commander';
import { SyncError } from '../../core/errors.ts';
import { pollInterval } from '../../local/options.ts';
import { type LocalSystem, STATE_DIRECTORY, startLocal } from '../../local/system.ts';
import { formatDuration } from '../../local/terminal/line.ts';
import { Progress } from '../../local/terminal/progress.ts';
import { demonstrationSteps } from './demonstration/steps.ts';
import { World } from './demonstration/world.ts';

/** Apart from what `npm start` keeps: a demonstration forgets the run before it. */
const DIRECTORY = join(STATE_DIRECTORY, 'demo');

interface Outcome {
  readonly step: string;
  readonly ok: boolean;
  readonly lagMs: number;
  /** Why it is not ok. */
  readonly reason?: string;
}

const options = new Command('npm run demo --')
  .description('Starts everything fresh in .local/demo, performs each kind of change once and checks it.')
  .option('--json', 'one JSON line for each step instead of a table')
  .option('--poll <time>', 'how long a minute of the schedules lasts', pollInterval, 2_000)
  .allowExcessArguments(false)
  .parse(process.argv)
  .opts<{ json?: boolean; poll: number }>();

const asked = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => asked.abort(new Error(`stopped by ${signal}`)));
}
process.exitCode = await run();

async function run(): Promise<number> {
  const progress = options.json === true ? undefined : new Progress(process.stdout);
  let system: LocalSystem;
  try {
    system = await startLocal({
      configurationFile: fileURLToPath(new URL('./sync.config.ts', import.meta.url)),
      directory: DIRECTORY,
      fresh: true,
      pollMs: options.poll,
      databaseUrl: process.env.DATABASE_URL,
      signal: asked.signal,
      ...(progress && { step: (name, work) => progress.step(name, work) }),
    });
  } catch (error) {
    if (!(error instanceof SyncError) && !asked.signal.aborted) throw error;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  try {
    return report(await perform(system));
  } finally {
    await system.stop();
  }
}

async function perform(system: LocalSystem): Promise<Outcome[]> {
  const world = await World.attach(system);
  const outcomes: Outcome[] = [];
  try {
    for (const { name, run: act } of demonstrationSteps()) {
      if (asked.signal.aborted) break;
      const outcome = await timed(name, () => act(world));
      outcomes.push(outcome);
      if (options.json === true) process.stdout.write(`${JSON.stringify(outcome)}\n`);
      else process.stdout.write(`  ${outcome.ok ? 'ok    ' : 'FAILED'}  ${name}\n`);
    }
  } finally {
    await world.detach();
  }
  return outcomes;
}

async function timed(step: string, act: () => Promise<void>): Promise<Outcome> {
  const begun = performance.now();
  const lag = () => Math.round(performance.now() - begun);
  try {
    await act();
    return { step, ok: true, lagMs: lag() };
  } catch (error) {
    return { step, ok: false, lagMs: lag(), reason: error instanceof Error ? error.message : String(error) };
  }
}

function report(outcomes: readonly Outcome[]): number {
  const failed = outcomes.filter(({ ok }) => !ok);
  if (options.json !== true) {
    const table = new Table({
      head: ['step', 'outcome', 'lag'],
      style: { head: [], border: [] },
      colAligns: ['left', 'left', 'right'],
    });
    for (const { step, ok, lagMs, reason } of outcomes) {
      table.push([step, ok ? 'ok' : `FAILED: ${reason}`, formatDuration(lagMs)]);
    }
    process.stdout.write(`\n${table.toString()}\n${outcomes.length - failed.length} ok, ${failed.length} failed\n`);
  }
  return failed.length > 0 || asked.signal.aborted ? 1 : 0;
}
