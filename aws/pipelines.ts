/** What waits in the queues of a deployment, and how its flows stand, for an operator who looks. */
import { type AppflowClient, DescribeFlowCommand, ResourceNotFoundException } from '@aws-sdk/client-appflow';
import { PIPELINES, type Pipeline, parseFailedExecution } from '../core/contracts/dead-letters.ts';
import { executionName } from '../core/contracts/storage-layout.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import type { AwsAccount } from './aws-account.ts';
import type { DeadLetterQueue } from './dead-letter-queue.ts';
import type { Deployment } from './deployment.ts';

/** Messages of a queue, approximately. `inFlight`: received by a reader a moment ago. */
export interface Waiting {
  readonly waiting: number;
  readonly inFlight: number;
}

/** As AppFlow describes it; undefined: there is no such flow. */
export interface FlowState {
  readonly name: string;
  readonly status: string;
  /** Why it is not active, in AppFlow's words. */
  readonly reason: string | undefined;
  readonly lastRun: { readonly at: Date; readonly status: string; readonly message: string | undefined } | undefined;
}

export interface ObjectPipelines {
  readonly object: string;
  /** undefined: the object is read-only, and has no queue. */
  readonly changes: Waiting | undefined;
  readonly deadLetters: number;
  readonly inboundFlow: FlowState | undefined;
  /** undefined: the object goes through the API or is read-only, or there is no such flow. */
  readonly outboundFlow: FlowState | undefined;
}

export interface FailedExecutions {
  readonly pipeline: Pipeline;
  readonly waiting: number;
  /** Some of them, the oldest first. */
  readonly some: readonly { readonly execution: string; readonly since: Date }[];
  readonly undeliveredEvents: number;
}

export interface DeploymentStatus {
  readonly objects: readonly ObjectPipelines[];
  readonly executions: readonly FailedExecutions[];
  readonly undeliveredNotices: number;
}

/** Executions that are named of each pipeline. */
const NAMED = 5;

type Piped = Pick<ObjectMapping, 'object' | 'direction'>;

export async function readDeploymentStatus(account: AwsAccount, objects: readonly Piped[]): Promise<DeploymentStatus> {
  const deployment = await account.deployment();
  const count = (url: string) => account.deadLetters(url).count();
  return {
    objects: await Promise.all(objects.map((object) => readObject(deployment, count, account.appflow, object))),
    executions: await Promise.all(PIPELINES.map((pipeline) => readExecutions(account, deployment, pipeline))),
    undeliveredNotices: (await count(deployment.undeliveredNoticesUrl)).waiting,
  };
}

async function readObject(
  deployment: Deployment,
  count: (url: string) => Promise<Waiting>,
  appflow: AppflowClient,
  { object, direction }: Piped,
): Promise<ObjectPipelines> {
  if (direction === 'to-postgres') {
    const flow = await readFlow(appflow, deployment.inboundFlowName(object));
    return { object, changes: undefined, deadLetters: 0, inboundFlow: flow, outboundFlow: undefined };
  }
  const outbound = deployment.outboundFlowName(object);
  const [changes, deadLetters, inboundFlow, outboundFlow] = await Promise.all([
    count(deployment.changeQueueUrl(object)),
    count(deployment.changeDeadLettersUrl(object)),
    readFlow(appflow, deployment.inboundFlowName(object)),
    outbound === undefined ? undefined : readFlow(appflow, outbound),
  ]);
  return { object, changes, deadLetters: deadLetters.waiting + deadLetters.inFlight, inboundFlow, outboundFlow };
}

async function readFlow(appflow: AppflowClient, name: string): Promise<FlowState | undefined> {
  try {
    const flow = await appflow.send(new DescribeFlowCommand({ flowName: name }));
    const run = flow.lastRunExecutionDetails;
    return {
      name,
      status: flow.flowStatus ?? 'UNKNOWN',
      reason: flow.flowStatusMessage,
      lastRun: run?.mostRecentExecutionTime && {
        at: run.mostRecentExecutionTime,
        status: run.mostRecentExecutionStatus ?? 'UNKNOWN',
        message: run.mostRecentExecutionMessage,
      },
    };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function readExecutions(
  account: AwsAccount,
  deployment: Deployment,
  pipeline: Pipeline,
): Promise<FailedExecutions> {
  const queue = account.deadLetters(deployment.failedExecutionsUrl(pipeline));
  const [{ waiting, inFlight }, undelivered, some] = [
    await queue.count(),
    await account.deadLetters(deployment.undeliveredEventsUrl(pipeline)).count(),
    await someOf(queue),
  ];
  return { pipeline, waiting: waiting + inFlight, some, undeliveredEvents: undelivered.waiting };
}

async function someOf(queue: DeadLetterQueue): Promise<FailedExecutions['some']> {
  const found = (await queue.peek(NAMED)).flatMap(({ body, sentAt }) => {
    const execution = parseFailedExecution(body)?.execution;
    return execution === undefined ? [] : [{ execution: executionName(execution), since: sentAt }];
  });
  return found.sort((a, b) => a.since.getTime() - b.since.getTime());
}
