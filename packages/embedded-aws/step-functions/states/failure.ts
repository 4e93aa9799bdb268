/** Why a state, a branch or an execution failed: what Retry and Catch match on, and what DescribeExecution answers. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure' as const;
  readonly error: string | undefined;
  readonly reason: string | undefined;

  constructor(error: string | undefined, reason: string | undefined) {
    super(`${error ?? 'no error name'}: ${reason ?? 'no cause'}`);
    this.error = error;
    this.reason = reason;
  }
}

/**
 * Why running states have to stop though nothing is wrong with them.
 * - `aborted`: StopExecution, or the state machine was deleted
 * - `timed-out`: the TimeoutSeconds of the machine are over
 * - `history-full`: the execution has used up its history events
 * - `branch-failed`: another branch of the same Parallel or Map state failed
 * - `suspended`: this process ends; the execution goes on when it comes back
 */
export type InterruptionKind = 'aborted' | 'timed-out' | 'history-full' | 'branch-failed' | 'suspended';

/** The reason an abort signal carries to everything that runs for an execution. */
export class Interruption extends Error {
  override readonly name = 'Interruption' as const;
  readonly kind: InterruptionKind;
  readonly error: string | undefined;
  readonly reason: string | undefined;

  constructor(kind: InterruptionKind, error?: string, reason?: string) {
    super(`execution interrupted: ${kind}`);
    this.kind = kind;
    this.error = error;
    this.reason = reason;
  }
}

/** What a task's service answered with: becomes the Error and Cause of the Task state. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure' as const;
  readonly error: string;
  readonly reason: string;

  constructor(error: string, reason: string) {
    super(`${error}: ${reason}`);
    this.error = error;
    this.reason = reason;
  }
}

export function dataLimitText(stateOrTask: string): string {
  return `The state/task '${stateOrTask}' returned a result with a size exceeding the maximum number of bytes service limit.`;
}
