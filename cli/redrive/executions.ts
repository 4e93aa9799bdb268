/** `sfsync redrive executions`: failed executions go on in the state where they failed. */
import type { DeadLetter, DeadLetterQueue } from '../../aws/dead-letter-queue.ts';
import type { ExecutionRedrive, ExecutionState, FailedExecution, Pipeline } from '../../core/contracts/dead-letters.ts';
import { parseFailedExecution, redriveOfExecution } from '../../core/contracts/dead-letters.ts';
import { executionName } from '../../core/contracts/storage-layout.ts';
import { InvariantError } from '../../core/errors.ts';
import type { Operator } from '../operator.ts';

export interface ExecutionsOptions {
  /** Starts executions anew that can no longer be redriven, with the same input. */
  readonly again: boolean;
  /** Names or ARNs of executions whose messages are removed, and nothing else. */
  readonly discard: readonly string[];
}

/** Redrives what lies in the dead-letter queues of the pipelines; a message is removed once its execution needs it no more. */
export async function redriveExecutions(
  operator: Operator,
  pipelines: readonly Pipeline[],
  options: ExecutionsOptions,
): Promise<number> {
  let left = 0;
  for (const pipeline of pipelines) left += await new PipelineRedrive(operator, pipeline, options).run();
  return left;
}

class PipelineRedrive {
  readonly #operator: Operator;
  readonly #pipeline: Pipeline;
  readonly #options: ExecutionsOptions;
  /** Redriven or started again in this run. */
  readonly #underWay = new Set<string>();
  readonly #announced = new Set<string>();

  constructor(operator: Operator, pipeline: Pipeline, options: ExecutionsOptions) {
    this.#operator = operator;
    this.#pipeline = pipeline;
    this.#options = options;
  }

  async run(): Promise<number> {
    const { aws, terminal } = this.#operator;
    const queue = aws.deadLetters((await aws.deployment()).failedExecutionsUrl(this.#pipeline));
    let found = 0;
    let left = 0;
    for await (const letter of queue.letters()) {
      found += 1;
      if (!(await this.#work(queue, letter))) left += 1;
    }
    if (found === 0) terminal.print(`${this.#pipeline}: no failed executions`);
    await aws.announce([...this.#announced]);
    return left;
  }

  /** Answers whether the message is dealt with. */
  async #work(queue: DeadLetterQueue, letter: DeadLetter): Promise<boolean> {
    const { terminal, dryRun } = this.#operator;
    const failed = parseFailedExecution(letter.body);
    if (failed === undefined) {
      terminal.print(`${this.#pipeline}: message ${letter.id} names no failed execution; it stays`);
      return false;
    }
    const redrive = await this.#redriveOf(failed);
    const done = dryRun ? redrive : await this.#carryOut(failed, redrive, letter.id);
    terminal.print(`${this.#pipeline}: ${executionName(failed.execution)}${described(done, dryRun)}`);
    if (done.action === 'keep') return false;
    if (!dryRun) await queue.remove(letter);
    return true;
  }

  async #redriveOf({ execution }: FailedExecution): Promise<ExecutionRedrive> {
    const { again, discard } = this.#options;
    if (discard.includes(execution) || discard.includes(executionName(execution))) {
      return { action: 'forget', why: 'discarded, as you ask', announce: undefined };
    }
    if (discard.length > 0) return { action: 'keep', why: 'only those that are discarded are looked at' };
    const redrive = redriveOfExecution(this.#pipeline, await this.#operator.aws.executions.describe(execution), again);
    if (!this.#underWay.has(execution) || redrive.action === 'forget') return redrive;
    // A second message of the same failure, or already that of the next one: which of them, the next run will know.
    return redrive.action === 'redrive'
      ? { action: 'keep', why: 'it has failed again' }
      : { action: 'forget', why: 'it has just been started again', announce: undefined };
  }

  /** Answers what was done in the end: only Step Functions knows whether it redrives. */
  async #carryOut(failed: FailedExecution, redrive: ExecutionRedrive, token: string): Promise<ExecutionRedrive> {
    const { executions } = this.#operator.aws;
    switch (redrive.action) {
      case 'redrive': {
        const refusal = await executions.redrive(failed.execution, token);
        if (refusal === undefined) {
          this.#underWay.add(failed.execution);
          return redrive;
        }
        const state: ExecutionState | undefined = await executions.describe(failed.execution);
        const changed = state && { ...state, redrivable: false, obstacle: refusal.obstacle };
        return this.#carryOut(failed, redriveOfExecution(this.#pipeline, changed, this.#options.again), token);
      }
      case 'start again': {
        const state = await executions.describe(failed.execution);
        if (state === undefined) throw new InvariantError('NO_EXECUTION', `${failed.execution} has just gone.`);
        // The same message starts one execution only, however often this is tried.
        await executions.start(failed.stateMachine, `again-${token}`, state.input);
        this.#underWay.add(failed.execution);
        return redrive;
      }
      case 'forget':
        if (redrive.announce !== undefined) this.#announced.add(redrive.announce);
        return redrive;
      case 'keep':
        return redrive;
      default:
        return redrive satisfies never;
    }
  }
}

function described(redrive: ExecutionRedrive, dryRun: boolean): string {
  const would = dryRun ? 'would be' : 'is';
  switch (redrive.action) {
    case 'redrive':
      return ` ${would} redriven`;
    case 'start again':
      return `: ${redrive.why}; its input ${dryRun ? 'would start' : 'starts'} a new execution`;
    case 'forget':
      return `: ${redrive.why}; its message ${would} removed`;
    case 'keep':
      return ` stays: ${redrive.why}`;
    default:
      return redrive satisfies never;
  }
}
