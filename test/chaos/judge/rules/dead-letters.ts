/** Which fault may make an execution, or a message, end as a dead letter, and with which error. */
import type { End, FaultRun } from '../../history/history.ts';

type DeadLetter = End['deadLetters'][number];

interface Explanation {
  readonly fault: RegExp;
  readonly error: RegExp;
  /** For how long after the fault: retries go on for a while. */
  readonly withinMs: number;
}

const MINUTES = 60_000;

/** What an execution that has used up its retries fails with. */
const GAVE_UP = /Retryable|Timeout|Timed|ServiceException|Lambda|Sdk|TaskFailed|Runtime|connection|ECONN/i;

const EXPLANATIONS: readonly Explanation[] = [
  { fault: /postgres|failover|standby|backend|connection|rows? locked|lock/i, error: GAVE_UP, withinMs: 10 * MINUTES },
  { fault: /password/i, error: /Retryable|Configuration|28P01/i, withinMs: 10 * MINUTES },
  { fault: /lambda|kill|failpoint|crash|system/i, error: GAVE_UP, withinMs: 10 * MINUTES },
  { fault: /throttl|message|event|queue|sqs|aws/i, error: GAVE_UP, withinMs: 10 * MINUTES },
  {
    fault: /salesforce|40[13]|50[0-9]|limit|unauthorized|unavailable|answer|reply/i,
    error: GAVE_UP,
    withinMs: 10 * MINUTES,
  },
  {
    fault: /appflow|flow/i,
    error: /Retryable|Appflow|Timeout|Configuration|InvalidFile|UNREADABLE/i,
    withinMs: 10 * MINUTES,
  },
  // An execution that somebody aborts has no error.
  { fault: /abort/i, error: /^$|abort/i, withinMs: 10 * MINUTES },
  { fault: /slot/i, error: /Configuration|Retryable/i, withinMs: 10 * MINUTES },
  { fault: /migration|mapping/i, error: /Configuration|Retryable/i, withinMs: 10 * MINUTES },
];

/** An InvariantError is a bug, whatever the fault. */
export function explains({ name, begun, ended }: FaultRun, { error, at }: DeadLetter): boolean {
  if (/Invariant/i.test(error)) return false;
  return EXPLANATIONS.some(
    (each) => each.fault.test(name) && each.error.test(error) && begun <= at && at <= ended + each.withinMs,
  );
}
