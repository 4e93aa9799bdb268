/** The end of a run: everything comes to rest, as it would with an operator who does what the runbook says, and stays at rest. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Version } from '../history/history.ts';
import { AwsStore } from '../world/aws-store.ts';
import type { World } from '../world/world.ts';
import { queueName, rest } from './rest.ts';
import { type Marks, marks, versionsSince } from './versions.ts';

/** Longer than any fence, and than the pause of what was put off often; a busy machine has time, too. */
const PATIENCE_MS = 240_000;
const QUIET_MS = 1_200;
/** Stamps are final, and what is missing is known to be missed (`lateCommitMinutes`, `sweepGraceMinutes`). */
const UNTIL_STAMPS_ARE_FINAL_MS = 62_000;
const ROUNDS_OF_THE_OPERATOR = 4;

export interface Drained {
  readonly restless: readonly string[];
  readonly afterQuiet: readonly Version[];
  /** What the operator had to do. */
  readonly operator: readonly string[];
}

export interface DrainOptions {
  /** A fault has hidden what only a sweep finds. */
  readonly slowToHeal: boolean;
  /** Where the run began. */
  readonly since: Marks;
  /** How long clients were at work: what is left to do grows with it. */
  readonly longMs: number;
  readonly say: (what: string) => void;
  /** How long it may take each time to come to rest. @default four minutes, and more after a long run */
  readonly patienceMs?: number | undefined;
}

export async function drain(world: World, options: DrainOptions): Promise<Drained> {
  const { slowToHeal, since, longMs, say, patienceMs = Math.max(PATIENCE_MS, longMs / 2) } = options;
  const operator: string[] = [];
  say('drain');
  let restless = await rest(world, patienceMs);
  for (let round = 0; round < ROUNDS_OF_THE_OPERATOR && restless.length === 0; round++) {
    const done = await operate(world);
    if (done.length === 0) break;
    operator.push(...done);
    restless = await rest(world, patienceMs);
  }
  if (slowToHeal && restless.length === 0) {
    say('until stamps are final');
    await pause(UNTIL_STAMPS_ARE_FINAL_MS);
    await sweepAll(world);
    restless = await rest(world, patienceMs);
  }
  if (restless.length === 0 && (await hasMovedNoStamp(world, since))) {
    say('sweep');
    await sweepAll(world);
    restless = await rest(world, patienceMs);
  }
  const quiet: Marks = await marks(world);
  say('quiet');
  await pause(QUIET_MS);
  if (restless.length === 0) {
    say('second drain');
    await sweepAll(world);
    restless = await rest(world, patienceMs);
  }
  return { restless, afterQuiet: await versionsSince(world, quiet), operator };
}

/** What follows from another record's write (a lookup that a delete clears, or an undelete sets again) is found by sweeps only. */
async function hasMovedNoStamp(world: World, since: Marks): Promise<boolean> {
  const versions = await versionsSince(world, since);
  return versions.some(
    ({ side, writer, kind }) => side === 'salesforce' && writer.by === 'consequence' && kind === 'update',
  );
}

/** Redrives what lies in dead-letter queues. Answers the commands that were needed. */
async function operate(world: World): Promise<string[]> {
  const messages = new AwsStore(world.directory).messages();
  const has = (resource: string) => (messages[queueName(world.resource(resource))] ?? 0) > 0;
  const objects = world.configuration.objects.map(({ object }) => object);
  const commands: string[][] = [];
  if (objects.some((object) => has(`changeDeadLetterQueue.${object}`))) commands.push(['redrive', 'changes']);
  if (has('deadLetterQueue.salesforceToPostgres') || has('deadLetterQueue.postgresToSalesforce'))
    commands.push(['redrive', 'executions']);
  const others = Object.keys(messages).filter((queue) => /undelivered/i.test(queue));
  if (others.length > 0) commands.push(['redrive', 'events']);
  for (const words of commands) await world.sfsync(...words).catch(() => undefined);
  return commands.map((words) => words.join(' '));
}

/** A full sweep of each object, and waits until they have ended. */
async function sweepAll(world: World): Promise<void> {
  const stateMachineArn = world.resource('stateMachine.sweep');
  for (const { object } of world.configuration.objects) {
    const input = JSON.stringify({ object, full: true });
    await world.call('states', 'StartExecution', { stateMachineArn, input });
  }
}
