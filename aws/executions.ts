import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  ExecutionNotRedrivable,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { ExecutionState } from '../core/contracts/dead-letters.ts';

const client = new SFNClient();

/** Whether an execution still runs; one that Step Functions no longer knows does not. */
export async function isRunning(executionArn: string): Promise<boolean> {
  try {
    const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
}

/** Executions as those who redrive them need them. */
export class Executions {
  readonly #client: SFNClient;

  constructor(stepFunctions = new SFNClient()) {
    this.#client = stepFunctions;
  }

  /** undefined: Step Functions does not know it (any more). */
  async describe(executionArn: string): Promise<ExecutionState | undefined> {
    try {
      const found = await this.#client.send(new DescribeExecutionCommand({ executionArn }));
      return {
        status: found.status ?? 'UNKNOWN',
        input: found.input ?? '',
        redrivable: found.redriveStatus === 'REDRIVABLE',
        obstacle: found.redriveStatusReason,
        error: found.error,
        redrives: found.redriveCount ?? 0,
        endedAt: found.stopDate,
      };
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return undefined;
      throw error;
    }
  }

  /** Lets it go on where it failed. Asked again with the same token it is one redrive. Answers why not, when not. */
  async redrive(executionArn: string, clientToken: string): Promise<{ readonly obstacle: string } | undefined> {
    try {
      await this.#client.send(new RedriveExecutionCommand({ executionArn, clientToken }));
      return undefined;
    } catch (error) {
      if (error instanceof ExecutionNotRedrivable) return { obstacle: error.message };
      throw error;
    }
  }

  /** Starts an execution, unless one of this name was started before. */
  async start(stateMachineArn: string, name: string, input: string): Promise<void> {
    try {
      await this.#client.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  }
}
