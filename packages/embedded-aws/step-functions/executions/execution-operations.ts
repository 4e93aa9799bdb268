import { randomUUID } from 'node:crypto';
import type { EmbeddedAws } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { checkExecutionArn, checkName, executionArn } from '../arn.ts';
import type { Clock } from '../clock.ts';
import type { MachineOperations } from '../machine-operations.ts';
import type { Machines, StoredMachine } from '../machines.ts';
import { Interruption } from '../states/failure.ts';
import { DATA_LIMIT_BYTES, parseJson } from '../states/json.ts';
import type { Input } from '../states/parameters.ts';
import {
  bounded,
  choice,
  flag,
  optionalText,
  pageSize,
  readToken,
  requiredText,
  seconds,
  writeToken,
} from '../states/parameters.ts';
import type { Position } from '../states/position.ts';
import { startOf } from '../states/position.ts';
import type { Announcements } from './announcements.ts';
import type { ExecutionRunner } from './execution-runner.ts';
import type { ExecutionStatus, Executions, StoredExecution } from './executions.ts';
import { NOT_TRUNCATED } from './history.ts';
import { asApiEvent } from './history-answer.ts';
import { redriveObstacle } from './redrive.ts';

const STATUSES: readonly ExecutionStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

/** The operations on executions, apart from redriving one. */
export class ExecutionOperations {
  readonly #aws: EmbeddedAws;
  readonly #clock: Clock;
  readonly #machines: Machines;
  readonly #executions: Executions;
  readonly #runner: ExecutionRunner;
  readonly #announcements: Announcements;
  readonly #machineOperations: MachineOperations;

  constructor(parts: {
    readonly aws: EmbeddedAws;
    readonly clock: Clock;
    readonly machines: Machines;
    readonly executions: Executions;
    readonly runner: ExecutionRunner;
    readonly announcements: Announcements;
    readonly machineOperations: MachineOperations;
  }) {
    this.#aws = parts.aws;
    this.#clock = parts.clock;
    this.#machines = parts.machines;
    this.#executions = parts.executions;
    this.#runner = parts.runner;
    this.#announcements = parts.announcements;
    this.#machineOperations = parts.machineOperations;
  }

  /** A second start under the name of an execution that still runs on the same input answers as the first did. */
  start(input: Input) {
    const machine = this.#machineOperations.find(input);
    const name = optionalText(input, 'name') ?? randomUUID();
    checkName(name);
    const text = bounded(optionalText(input, 'input') ?? '{}', 'input', DATA_LIMIT_BYTES);
    const value = readInput(text);
    const arn = executionArn(this.#aws.region, machine.name, name);
    const existing = this.#executions.get(arn);
    if (existing !== undefined) {
      const same = existing.status === 'RUNNING' && existing.input === text;
      if (!same) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
      return { executionArn: arn, startDate: seconds(existing.startedAt) };
    }
    const startedAt = this.#clock.now();
    const position = startOf(this.#runner.definitionOf(this.#machines.revision(machine.revisionId)).startAt, value);
    const details = { input: text, inputDetails: NOT_TRUNCATED, roleArn: machine.roleArn };
    const started = { id: 1, previousId: 0, type: 'ExecutionStarted', at: startedAt, details };
    const execution = this.#executions.add(newExecution(arn, name, machine, text, position, startedAt), started);
    this.#aws.journal.record({
      kind: 'execution-started',
      subject: machine.name,
      text: `execution ${name} started`,
      details: { executionArn: arn },
    });
    this.#announcements.announce(execution);
    this.#runner.run(execution, position);
    return { executionArn: arn, startDate: seconds(startedAt) };
  }

  describe(input: Input) {
    const execution = this.find(input);
    const withData = choice(input, 'includedData', ['ALL_DATA', 'METADATA_ONLY']) !== 'METADATA_ONLY';
    const included = { included: withData };
    const obstacle = redriveObstacle(execution, this.#clock.now());
    return {
      ...summary(execution),
      ...(withData ? { input: execution.input } : {}),
      inputDetails: included,
      ...(execution.output === null
        ? {}
        : { ...(withData ? { output: execution.output } : {}), outputDetails: included }),
      ...(execution.error === null || !withData ? {} : { error: execution.error }),
      ...(execution.cause === null || !withData ? {} : { cause: execution.cause }),
      redriveStatus: obstacle === undefined ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
      ...(obstacle === undefined ? {} : { redriveStatusReason: obstacle }),
    };
  }

  /** The definition the execution runs, which may be older than that of its machine. */
  describeMachine(input: Input) {
    const execution = this.find(input);
    const revision = this.#machines.revision(execution.revisionId);
    return {
      stateMachineArn: execution.machineArn,
      name: execution.machineName,
      definition: revision.definition,
      roleArn: revision.roleArn,
      updateDate: seconds(revision.at),
      revisionId: revision.id,
      loggingConfiguration: { level: 'OFF', includeExecutionData: false },
      tracingConfiguration: { enabled: false },
    };
  }

  /** Newest first. */
  list(input: Input) {
    const machine = this.#machineOperations.find(input);
    const status = choice(input, 'statusFilter', STATUSES);
    const size = pageSize(input);
    const before = readToken(input) ?? Number.MAX_SAFE_INTEGER;
    const found = this.#executions.list(machine.arn, status, before, size + 1);
    const executions = found.slice(0, size);
    const last = executions.at(-1);
    const more = found.length > size && last !== undefined;
    return { executions: executions.map(summary), ...(more ? { nextToken: writeToken(last.sequence) } : {}) };
  }

  history(input: Input) {
    const arn = this.find(input).arn;
    this.#runner.flush(arn);
    const execution = this.find(input);
    const size = pageSize(input);
    const reverse = flag(input, 'reverseOrder', false);
    const withData = flag(input, 'includeExecutionData', true);
    const from = readToken(input) ?? (reverse ? execution.lastEventId : 1);
    const found = this.#executions.events(execution, from, reverse, size + 1);
    const next = found[size];
    return {
      events: found.slice(0, size).map((event) => asApiEvent(event, withData)),
      ...(next === undefined ? {} : { nextToken: writeToken(next.id) }),
    };
  }

  /** An execution that has ended already is left as it is. */
  async stop(input: Input) {
    const execution = this.find(input);
    const error = optionalText(input, 'error');
    const cause = optionalText(input, 'cause');
    await this.#runner.interrupt(execution.arn, new Interruption('aborted', error, cause));
    const stopped = this.find(input);
    return { stopDate: seconds(stopped.stoppedAt ?? this.#clock.now()) };
  }

  /** The execution a request is about. Throws InvalidArn, ExecutionDoesNotExist. */
  find(input: Input): StoredExecution {
    const arn = requiredText(input, 'executionArn');
    checkExecutionArn(arn);
    const execution = this.#executions.get(arn);
    if (execution === undefined) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }
}

function newExecution(
  arn: string,
  name: string,
  machine: StoredMachine,
  input: string,
  position: Position,
  startedAt: number,
): Omit<StoredExecution, 'sequence'> {
  return {
    arn,
    name,
    machineArn: machine.arn,
    machineName: machine.name,
    revisionId: machine.revisionId,
    status: 'RUNNING',
    input,
    output: null,
    error: null,
    cause: null,
    startedAt,
    stoppedAt: null,
    redriveCount: 0,
    redrivenAt: null,
    redriveTokens: '[]',
    position: JSON.stringify(position),
    lastEventId: 1,
    unannounced: 1,
  };
}

function readInput(text: string) {
  try {
    return parseJson(text);
  } catch (error) {
    const why = (error as SyntaxError).message;
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${why}'`);
  }
}

function summary(execution: StoredExecution) {
  return {
    executionArn: execution.arn,
    stateMachineArn: execution.machineArn,
    name: execution.name,
    status: execution.status,
    startDate: seconds(execution.startedAt),
    ...(execution.stoppedAt === null ? {} : { stopDate: seconds(execution.stoppedAt) }),
    redriveCount: execution.redriveCount,
    ...(execution.redrivenAt === null ? {} : { redriveDate: seconds(execution.redrivenAt) }),
  };
}
