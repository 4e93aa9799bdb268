import { AwsError } from '../../service.ts';
import type { StoredExecution } from './executions.ts';
import { HISTORY_LIMIT } from './history.ts';

const DAY_MS = 86_400_000;
/** How long after its end, and how old at most (API reference, RedriveExecution). */
const REDRIVABLE_DAYS_AFTER_END = 14;
const REDRIVABLE_DAYS_AFTER_START = 365;
/** A client token is remembered that long, and no more than so many. */
const TOKEN_MS = 15 * 60_000;
const TOKENS = 10;

/** Why an execution cannot be redriven; undefined when it can. */
export function redriveObstacle(execution: StoredExecution, now: number): string | undefined {
  const { status, stoppedAt, startedAt, lastEventId } = execution;
  if (status === 'RUNNING' || status === 'SUCCEEDED' || stoppedAt === null) {
    return `Execution is ${status} and cannot be redriven`;
  }
  if (now - stoppedAt > REDRIVABLE_DAYS_AFTER_END * DAY_MS) {
    return `Execution was closed more than ${REDRIVABLE_DAYS_AFTER_END} days ago and cannot be redriven`;
  }
  if (now - startedAt > REDRIVABLE_DAYS_AFTER_START * DAY_MS)
    return 'Execution is older than one year and cannot be redriven';
  if (lastEventId >= HISTORY_LIMIT - 1) return 'Execution history has reached its limit and cannot be redriven';
  return undefined;
}

/** Throws ExecutionNotRedrivable. */
export function checkRedrivable(execution: StoredExecution, now: number): void {
  const obstacle = redriveObstacle(execution, now);
  if (obstacle !== undefined) throw new AwsError('ExecutionNotRedrivable', obstacle);
}

interface UsedToken {
  readonly token: string;
  readonly at: number;
}

/** The redrives of an execution that were asked for with a client token: asked again they are not repeated. */
export class RedriveTokens {
  readonly #used: readonly UsedToken[];

  constructor(stored: string) {
    this.#used = JSON.parse(stored);
  }

  /** When the redrive with that token happened; undefined when there was none lately. */
  find(token: string, now: number): number | undefined {
    return this.#used.find((used) => used.token === token && now - used.at <= TOKEN_MS)?.at;
  }

  /** What to store after a redrive. */
  with(token: string | undefined, at: number): string {
    const added = token === undefined ? [] : [{ token, at }];
    return JSON.stringify([...this.#used, ...added].slice(-TOKENS));
  }
}
