/** Redrives failed executions whose cause was in the surroundings, which may be well again. */
import type { DeadLetter, DeadLetterQueue } from '../aws/dead-letter-queue.ts';
import type { Executions } from '../aws/executions.ts';
import { PIPELINES, type Pipeline, parseFailedExecution, redriveByItself } from '../core/contracts/dead-letters.ts';

/** So many at once: they meet a database that has just come back. */
const MOST_AT_ONCE = 50;

export interface RedriveCounts {
  readonly redriven: number;
  /** Messages of executions that need them no more. */
  readonly settled: number;
  /** What waits: for its next turn, or for an operator. */
  readonly left: number;
}

/** Looks through the dead letters of the pipelines, by their queues. Answers the pipelines in which there were some. */
export async function redriveAllFailed(
  queues: Readonly<Record<Pipeline, DeadLetterQueue>>,
  executions: Executions,
  now: Date,
): Promise<(RedriveCounts & { readonly pipeline: Pipeline })[]> {
  const all: (RedriveCounts & { readonly pipeline: Pipeline })[] = [];
  for (const pipeline of PIPELINES) {
    const counts = await redriveFailed(pipeline, queues[pipeline], executions, now);
    if (Object.values(counts).some((count) => count > 0)) all.push({ pipeline, ...counts });
  }
  return all;
}

/** Looks through the dead letters of a pipeline. A message is removed once its execution needs it no more; one that fails again gets a new one. */
export async function redriveFailed(
  pipeline: Pipeline,
  queue: DeadLetterQueue,
  executions: Executions,
  now: Date,
): Promise<RedriveCounts> {
  const counts = { redriven: 0, settled: 0, left: 0 };
  const underWay = new Set<string>();
  for await (const letter of queue.letters()) {
    const done = counts.redriven < MOST_AT_ONCE ? await dealWith(pipeline, executions, letter, underWay, now) : 'left';
    if (done !== 'left') await queue.remove(letter);
    counts[done] += 1;
  }
  return counts;
}

async function dealWith(
  pipeline: Pipeline,
  executions: Executions,
  { id, body }: DeadLetter,
  underWay: Set<string>,
  now: Date,
): Promise<keyof RedriveCounts> {
  const execution = parseFailedExecution(body)?.execution;
  // A second message of one execution may be that of its next failure: the next turn knows.
  if (execution === undefined || underWay.has(execution)) return 'left';
  const action = redriveByItself(pipeline, await executions.describe(execution), now);
  if (action === undefined) return 'left';
  if (action === 'forget') return 'settled';
  if ((await executions.redrive(execution, id)) !== undefined) return 'left';
  underWay.add(execution);
  return 'redriven';
}
