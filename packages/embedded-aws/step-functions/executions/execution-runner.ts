import type { EmbeddedAws } from '../../service.ts';
import type { Clock } from '../clock.ts';
import type { Machine } from '../definition/definition.ts';
import { readDefinition } from '../definition/definition-check.ts';
import type { Machines, Revision } from '../machines.ts';
import { Interruption, StateFailure } from '../states/failure.ts';
import type { Frame } from '../states/frame.ts';
import type { Outcome } from '../states/interpreter.ts';
import { runStates } from '../states/interpreter.ts';
import type { Position } from '../states/position.ts';
import type { Announcements } from './announcements.ts';
import type { ExecutionChange, Executions, StoredExecution } from './executions.ts';
import { inputOf } from './executions.ts';
import { HISTORY_LIMIT, History, NOT_TRUNCATED } from './history.ts';

interface Running {
  readonly execution: StoredExecution;
  readonly history: History;
  readonly control: AbortController;
  /** The state entered last, as it was stored. */
  position: Position;
  done: Promise<void>;
}

/** Runs executions, and keeps in the store where each of them stands. */
export class ExecutionRunner {
  readonly #aws: EmbeddedAws;
  readonly #clock: Clock;
  readonly #machines: Machines;
  readonly #executions: Executions;
  readonly #announcements: Announcements;
  readonly #running = new Map<string, Running>();
  readonly #definitions = new Map<string, Machine>();

  constructor(
    aws: EmbeddedAws,
    clock: Clock,
    machines: Machines,
    executions: Executions,
    announcements: Announcements,
  ) {
    this.#aws = aws;
    this.#clock = clock;
    this.#machines = machines;
    this.#executions = executions;
    this.#announcements = announcements;
  }

  definitionOf(revision: Revision): Machine {
    const known = this.#definitions.get(revision.id);
    if (known !== undefined) return known;
    const machine = readDefinition(revision.definition);
    this.#definitions.set(revision.id, machine);
    return machine;
  }

  /** Lets an execution that the store holds as RUNNING go on from a position. */
  run(execution: StoredExecution, position: Position): void {
    const control = new AbortController();
    const history = new History(execution.lastEventId, this.#clock.now, () => {
      control.abort(new Interruption('history-full'));
    });
    const running: Running = { execution, history, control, position, done: Promise.resolve() };
    this.#running.set(execution.arn, running);
    running.done = this.#drive(running).finally(() => this.#running.delete(execution.arn));
  }

  /** Whether it runs in this process. */
  isRunning(arn: string): boolean {
    return this.#running.has(arn);
  }

  /** Stores the events of a running execution that were not stored yet, so that a reader of the store sees all. */
  flush(arn: string): void {
    const running = this.#running.get(arn);
    if (running === undefined) return;
    this.#executions.save(running.execution, running.history.takePending(), undefined);
  }

  /** Interrupts an execution and waits until it has ended. Nothing happens when it is not running. */
  async interrupt(arn: string, interruption: Interruption): Promise<void> {
    const running = this.#running.get(arn);
    running?.control.abort(interruption);
    await running?.done;
  }

  /** Ends everything that runs here without ending the executions: their positions are in the store. */
  async suspend(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((arn) => this.interrupt(arn, new Interruption('suspended'))));
  }

  async #drive(running: Running): Promise<void> {
    const { execution, control } = running;
    const ended = new AbortController();
    try {
      const revision = this.#machines.revision(execution.revisionId);
      const machine = this.definitionOf(revision);
      this.#limitTime(running, machine, ended.signal);
      const outcome = await runStates(machine, running.position, this.#frame(running, revision));
      this.#conclude(running, outcome, control.signal.reason);
    } catch (thrown) {
      this.#concludeFault(running, thrown);
    } finally {
      ended.abort(new Interruption('suspended'));
    }
  }

  #limitTime({ execution, control }: Running, machine: Machine, ended: AbortSignal): void {
    if (machine.timeoutSeconds === undefined) return;
    // A redrive gives the whole time anew (Developer Guide, redriving executions).
    const from = execution.redrivenAt ?? execution.startedAt;
    const left = Math.max(0, from + machine.timeoutSeconds * 1_000 - this.#clock.now());
    this.#clock.sleep(left, ended).then(
      () => control.abort(new Interruption('timed-out')),
      () => undefined, // the execution ended in time
    );
  }

  #frame(running: Running, revision: Revision): Frame {
    const { execution, history, control } = running;
    return {
      depth: 0,
      outerVariables: {},
      mapItem: undefined,
      cursor: { last: execution.lastEventId === 1 ? 0 : execution.lastEventId },
      signal: control.signal,
      run: {
        aws: this.#aws,
        clock: this.#clock,
        history,
        execution: {
          arn: execution.arn,
          name: execution.name,
          input: inputOf(execution),
          roleArn: revision.roleArn,
          startedAt: execution.startedAt,
          redriveCount: execution.redriveCount,
          redrivenAt: execution.redrivenAt ?? undefined,
        },
        machine: { arn: execution.machineArn, name: execution.machineName },
        random: Math.random,
        checkpoint: (position) => {
          running.position = position;
          this.#executions.save(execution, history.takePending(), position);
        },
      },
    };
  }

  #conclude(running: Running, outcome: Outcome, reason: unknown): void {
    const interruption = reason instanceof Interruption ? reason.kind : undefined;
    const position = outcome.kind === 'succeeded' ? undefined : outcome.position;
    if (interruption === 'history-full') {
      const why = `The execution reached the maximum number of history events (${HISTORY_LIMIT}).`;
      this.#fail(running, new StateFailure('States.Runtime', why), position);
    } else if (outcome.kind === 'succeeded') {
      const output = JSON.stringify(outcome.output);
      this.#end(
        running,
        'ExecutionSucceeded',
        { output, outputDetails: NOT_TRUNCATED },
        { status: 'SUCCEEDED', output },
        position,
      );
    } else if (outcome.kind === 'failed') {
      this.#fail(running, outcome.failure, position);
    } else if (interruption === 'timed-out') {
      this.#end(running, 'ExecutionTimedOut', {}, { status: 'TIMED_OUT' }, position);
    } else if (interruption === 'suspended') {
      this.#executions.save(running.execution, running.history.takePending(), position);
    } else if (reason instanceof Interruption) {
      const details = errorAndCause(reason.error, reason.reason);
      this.#end(running, 'ExecutionAborted', details, { status: 'ABORTED', ...details }, position);
    } else {
      throw new Error(`execution ${running.execution.arn} was interrupted without a reason`);
    }
  }

  #fail(running: Running, failure: StateFailure, position: Position | undefined): void {
    const details = errorAndCause(failure.error, failure.reason);
    this.#end(running, 'ExecutionFailed', details, { status: 'FAILED', ...details }, position);
  }

  /** Not the machine is at fault but this program: the execution fails, visibly, and can be redriven. */
  #concludeFault(running: Running, thrown: unknown): void {
    const why = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.#aws.journal.record({
      kind: 'fault',
      subject: running.execution.machineName,
      text: `execution ${running.execution.name} met a fault of the embedded AWS: ${why}`,
    });
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    this.#fail(running, new StateFailure('States.Runtime', message), running.position);
  }

  #end(
    { execution, history }: Running,
    event: string,
    details: Readonly<Record<string, unknown>>,
    change: ExecutionChange,
    position: Position | undefined,
  ): void {
    history.recordEnd(event, details);
    this.#executions.save(execution, history.takePending(), position, {
      ...change,
      stoppedAt: this.#clock.now(),
      unannounced: 1,
    });
    const ended = this.#executions.get(execution.arn);
    if (ended === undefined) return;
    this.#aws.journal.record({
      kind: 'execution-ended',
      subject: ended.machineName,
      text: `execution ${ended.name} ${ended.status}${ended.error === null ? '' : `: ${ended.error}`}`,
      details: { executionArn: ended.arn, status: ended.status },
    });
    this.#measureEnd(ended.machineArn, ended.status);
    this.#announcements.announce(ended);
  }

  /** Of each kind of end, so that those of the other kinds count as none (Step Functions Developer Guide, "Monitoring metrics"). */
  #measureEnd(StateMachineArn: string, status: string): void {
    const at = this.#clock.now();
    for (const [name, ended] of Object.entries(END_METRICS)) {
      const value = ended === status ? 1 : 0;
      this.#aws.measure({ namespace: 'AWS/States', name, dimensions: { StateMachineArn }, value, at });
    }
  }
}

const END_METRICS: Readonly<Record<string, string>> = {
  ExecutionsSucceeded: 'SUCCEEDED',
  ExecutionsFailed: 'FAILED',
  ExecutionsTimedOut: 'TIMED_OUT',
  ExecutionsAborted: 'ABORTED',
};

function errorAndCause(error: string | undefined, cause: string | undefined) {
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}
