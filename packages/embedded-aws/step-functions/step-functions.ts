import type { DatabaseSync } from 'node:sqlite';
import type { EmbeddedAws, Operations } from '../service.ts';
import { checkMachineArn } from './arn.ts';
import type { Clock } from './clock.ts';
import { realClock } from './clock.ts';
import { Announcements } from './executions/announcements.ts';
import { ExecutionOperations } from './executions/execution-operations.ts';
import { ExecutionRunner } from './executions/execution-runner.ts';
import { Executions, positionOf } from './executions/executions.ts';
import { checkRedrivable, RedriveTokens } from './executions/redrive.ts';
import { MachineOperations } from './machine-operations.ts';
import { Machines } from './machines.ts';
import { Interruption } from './states/failure.ts';
import type { Input } from './states/parameters.ts';
import { optionalText, requiredText, seconds } from './states/parameters.ts';

/** Executions are kept for 90 days after their end (Step Functions service quotas). */
const RETENTION_MS = 90 * 86_400_000;

/**
 * AWS Step Functions, Standard workflows written in JSONata. Machines, executions and their histories are kept in the
 * store: an execution outlives the process it runs in, as it would in AWS.
 */
export class StepFunctions {
  readonly #aws: EmbeddedAws;
  readonly #clock: Clock;
  readonly #machines: Machines;
  readonly #executions: Executions;
  readonly #announcements: Announcements;
  readonly #runner: ExecutionRunner;
  readonly #machineOperations: MachineOperations;
  readonly #executionOperations: ExecutionOperations;
  readonly operations: Operations;

  constructor(aws: EmbeddedAws, store: DatabaseSync, clock: Clock = realClock(() => aws.now())) {
    const machines = new Machines(store);
    const executions = new Executions(store);
    const announcements = new Announcements(aws, executions);
    const runner = new ExecutionRunner(aws, clock, machines, executions, announcements);
    const machineOperations = new MachineOperations(aws, clock, machines);
    this.#aws = aws;
    this.#clock = clock;
    this.#machines = machines;
    this.#executions = executions;
    this.#announcements = announcements;
    this.#runner = runner;
    this.#machineOperations = machineOperations;
    this.#executionOperations = new ExecutionOperations({
      aws,
      clock,
      machines,
      executions,
      runner,
      announcements,
      machineOperations,
    });
    this.operations = this.#offered();
  }

  /** Lets the executions go on that were running when the last process ended. To be called once, when all services answer. */
  resume(): void {
    this.#executions.forgetStoppedBefore(this.#clock.now() - RETENTION_MS);
    this.#machines.forgetUnusedRevisions();
    for (const execution of this.#executions.unfinished()) {
      if (execution.unannounced === 1) this.#announcements.announce(execution);
      // Events that had waited are brought when the services start, and may have begun some in this process by now.
      if (execution.status !== 'RUNNING' || this.#runner.isRunning(execution.arn)) continue;
      const position = positionOf(execution);
      this.#aws.journal.record({
        kind: 'execution-started',
        subject: execution.machineName,
        text: `execution ${execution.name} goes on in state '${position.state}'`,
        details: { executionArn: execution.arn },
      });
      this.#runner.run(execution, position);
    }
  }

  /** Ends all timers and stores where each execution stands; none of them ends by that. */
  async stop(): Promise<void> {
    await this.#runner.suspend();
    await this.#announcements.settled();
  }

  #offered(): Operations {
    const machines = this.#machineOperations;
    const executions = this.#executionOperations;
    return {
      CreateStateMachine: (input: Input) => machines.create(input),
      UpdateStateMachine: (input: Input) => machines.update(input),
      DescribeStateMachine: (input: Input) => machines.describe(input),
      ListStateMachines: (input: Input) => machines.list(input),
      ValidateStateMachineDefinition: (input: Input) => machines.validate(input),
      DeleteStateMachine: (input: Input) => this.#deleteMachine(input),
      TagResource: (input: Input) => machines.tag(input),
      UntagResource: (input: Input) => machines.untag(input),
      ListTagsForResource: (input: Input) => machines.listTags(input),
      StartExecution: (input: Input) => executions.start(input),
      StopExecution: (input: Input) => executions.stop(input),
      RedriveExecution: (input: Input) => this.#redrive(input),
      DescribeExecution: (input: Input) => executions.describe(input),
      DescribeStateMachineForExecution: (input: Input) => executions.describeMachine(input),
      ListExecutions: (input: Input) => executions.list(input),
      GetExecutionHistory: (input: Input) => executions.history(input),
    };
  }

  /** Running executions are aborted first; then the machine goes, and its executions with it. */
  async #deleteMachine(input: Input) {
    const arn = requiredText(input, 'stateMachineArn');
    checkMachineArn(arn);
    const machine = this.#machines.get(arn);
    if (machine === undefined) return {};
    for (const execution of this.#executions.running(machine.arn)) {
      await this.#runner.interrupt(execution.arn, new Interruption('aborted'));
    }
    await this.#announcements.settled();
    this.#executions.forget(machine.arn);
    this.#machines.delete(machine.arn);
    return {};
  }

  /** Goes on from the state that failed, with its input and variables; what had succeeded is not run again. */
  #redrive(input: Input) {
    const execution = this.#executionOperations.find(input);
    const now = this.#clock.now();
    const tokens = new RedriveTokens(execution.redriveTokens);
    const token = optionalText(input, 'clientToken');
    const before = token === undefined ? undefined : tokens.find(token, now);
    if (before !== undefined) return { redriveDate: seconds(before) };
    checkRedrivable(execution, now);
    const redriveCount = execution.redriveCount + 1;
    const id = execution.lastEventId + 1;
    const event = {
      id,
      previousId: execution.lastEventId,
      type: 'ExecutionRedriven',
      at: now,
      details: { redriveCount },
    };
    this.#executions.save(execution, [event], undefined, {
      status: 'RUNNING',
      output: null,
      error: null,
      cause: null,
      stoppedAt: null,
      redriveCount,
      redrivenAt: now,
      redriveTokens: tokens.with(token, now),
      unannounced: 1,
    });
    const redriven = this.#executionOperations.find(input);
    this.#announcements.announce(redriven);
    this.#aws.journal.record({
      kind: 'execution-started',
      subject: redriven.machineName,
      text: `execution ${redriven.name} redriven`,
      details: { executionArn: redriven.arn },
    });
    this.#runner.run(redriven, positionOf(redriven));
    return { redriveDate: seconds(now) };
  }
}
