import type { EmbeddedAws } from '../../service.ts';
import { AwsError, CONSOLE } from '../../service.ts';
import type { Executions, StoredExecution } from './executions.ts';

/** Larger inputs and outputs are left out of the event (EventBridge Events Reference, Step Functions). */
const LARGEST_INCLUDED_BYTES = 248 * 1_024;

/**
 * Announces each change of an execution's status on the event bus and in the journal. What could not be, because the
 * process died or the bus refused, stays marked in the store and is announced again by `announce` after a restart.
 */
export class Announcements {
  readonly #aws: EmbeddedAws;
  readonly #executions: Executions;
  /** The last announcement of each execution under way, so that its changes are announced in their order. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(aws: EmbeddedAws, executions: Executions) {
    this.#aws = aws;
    this.#executions = executions;
  }

  announce(execution: StoredExecution): void {
    const before = this.#underWay.get(execution.arn) ?? Promise.resolve();
    const now = before.then(() => this.#publish(execution));
    this.#underWay.set(execution.arn, now);
    void now.then(() => {
      if (this.#underWay.get(execution.arn) === now) this.#underWay.delete(execution.arn);
    });
  }

  /** Resolves when every announcement so far is made. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #publish(execution: StoredExecution): Promise<void> {
    try {
      await this.#aws.call('events', 'PublishServiceEvent', statusChange(execution), CONSOLE);
    } catch (error) {
      const why = error instanceof AwsError ? `${error.code}: ${error.message}` : String(error);
      this.#aws.journal.record({
        kind: 'fault',
        subject: execution.machineName,
        text: `the status ${execution.status} of ${execution.arn} was not announced on the event bus, which the next start tries again: ${why}`,
      });
      return;
    }
    const present = this.#executions.get(execution.arn);
    if (present?.status === execution.status) this.#executions.save(present, [], undefined, { unannounced: 0 });
  }
}

function statusChange(execution: StoredExecution): object {
  const included = (text: string | null) => text === null || Buffer.byteLength(text) <= LARGEST_INCLUDED_BYTES;
  return {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    resources: [execution.arn],
    detail: {
      executionArn: execution.arn,
      stateMachineArn: execution.machineArn,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      name: execution.name,
      status: execution.status,
      startDate: execution.startedAt,
      stopDate: execution.stoppedAt,
      redriveCount: execution.redriveCount,
      redriveDate: execution.redrivenAt,
      input: included(execution.input) ? execution.input : null,
      inputDetails: { included: included(execution.input) },
      output: included(execution.output) ? execution.output : null,
      outputDetails: execution.output === null ? null : { included: included(execution.output) },
      error: execution.error,
      cause: execution.cause,
    },
  };
}
