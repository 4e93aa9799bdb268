/**
 * What lies in the dead-letter queues, apart from change messages: failed executions, and events and
 * notices that were not delivered. And what is to be done with each of them when it is redriven.
 */
import { z } from 'zod';
import { CHANGES_AVAILABLE, changesAvailable } from './change-message.ts';
import type { InboundInput } from './inbound-tasks.ts';
import type { Notice } from './outbound-tasks.ts';
import { notice, outboundInput } from './outbound-tasks.ts';

export const PIPELINES = ['salesforce-to-postgres', 'postgres-to-salesforce'] as const;
export type Pipeline = (typeof PIPELINES)[number];

/** One message in the dead-letter queue of a pipeline. */
const failedExecution = z.strictObject({
  execution: z.string(),
  stateMachine: z.string(),
  status: z.string(),
});
export type FailedExecution = Readonly<z.output<typeof failedExecution>>;

/** undefined: the message is no such thing. */
export function parseFailedExecution(body: string): FailedExecution | undefined {
  return failedExecution.safeParse(parsedJson(body)).data;
}

/** An execution as Step Functions describes it now. */
export interface ExecutionState {
  readonly status: string;
  readonly input: string;
  readonly redrivable: boolean;
  /** Why it is not redrivable, in the words of Step Functions. */
  readonly obstacle: string | undefined;
  /** The name of the error that it ended with. */
  readonly error: string | undefined;
  readonly redrives: number;
  /** undefined: it has not ended. */
  readonly endedAt: Date | undefined;
}

export type ExecutionRedrive =
  | { readonly action: 'redrive' }
  /** A new execution with the input of the old one. */
  | { readonly action: 'start again'; readonly why: string }
  /** Its work is done, or is another execution's: the message is not needed any more. */
  | { readonly action: 'forget'; readonly why: string; readonly announce: string | undefined }
  /** Its work would be lost: the message stays until an operator decides. */
  | { readonly action: 'keep'; readonly why: string };

/**
 * What to do about a failed execution. `again`: one that cannot be redriven may be started anew. A file that is applied
 * twice changes nothing; records that are due to Salesforce are taken up by any later execution of their object.
 */
export function redriveOfExecution(
  pipeline: Pipeline,
  state: ExecutionState | undefined,
  again: boolean,
): ExecutionRedrive {
  const forget = (why: string, announce?: string): ExecutionRedrive => ({ action: 'forget', why, announce });
  if (state === undefined) return forget('it is no longer known to Step Functions (90 days)');
  const { status, redrivable } = state;
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return forget('it is at work again');
  if (status === 'SUCCEEDED') return forget('it has succeeded since');
  if (redrivable) return { action: 'redrive' };
  const why = `it cannot be redriven: ${(state.obstacle ?? 'Step Functions gives no reason').replace(/\.$/, '')}`;
  if (pipeline === 'postgres-to-salesforce') {
    const next = 'its batch is still due, and the next execution of the object takes it up';
    return forget(`${why}; ${next}`, outboundInput.safeParse(parsedJson(state.input)).data?.object);
  }
  if (again) return { action: 'start again', why };
  const ways = '--again starts a new execution with the same input, --discard removes the message';
  return { action: 'keep', why: `${why}; ${ways}` };
}

/** Errors of the surroundings: a database, Lambda or AWS that was away, for longer than the machine has tried. */
const OF_SURROUNDINGS =
  /^(RetryableError|States\.Timeout|Lambda\.\w+|Sandbox\.Timedout|Runtime\.ExitError|EventBridge\.FailedEntry|\w+\.(\w*Throttl\w*|SdkClientException))$/;
/** Each of them takes its time, for the machine tries again for a quarter of an hour. */
const MOST_REDRIVES = 5;
const LEAST_REST_MS = 5 * 60_000;

/**
 * What becomes of a failed execution by itself: one whose cause was in the surroundings is redriven, a few times, and what is at work or
 * has succeeded is forgotten. undefined: it is an operator's, and stays where it is.
 */
export function redriveByItself(
  pipeline: Pipeline,
  state: ExecutionState | undefined,
  now: Date,
): 'redrive' | 'forget' | undefined {
  const redrive = redriveOfExecution(pipeline, state, false);
  if (redrive.action === 'forget') return redrive.announce === undefined && state !== undefined ? 'forget' : undefined;
  if (redrive.action !== 'redrive' || state?.endedAt === undefined) return undefined;
  const isOfSurroundings = state.error !== undefined && OF_SURROUNDINGS.test(state.error);
  const hasRested = now.getTime() - state.endedAt.getTime() >= LEAST_REST_MS;
  return isOfSurroundings && hasRested && state.redrives < MOST_REDRIVES ? 'redrive' : undefined;
}

const objectCreated = z.object({
  id: z.string(),
  source: z.literal('aws.s3'),
  time: z.iso.datetime(),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string(), size: z.int().min(0) }),
  }),
});

const changesEvent = z.object({ 'detail-type': z.literal(CHANGES_AVAILABLE), detail: changesAvailable });

const scheduledEvent = z.object({ source: z.literal('aws.events'), 'detail-type': z.literal('Scheduled Event') });

const executionEnded = z.object({
  source: z.literal('aws.states'),
  detail: z.object({
    executionArn: z.string(),
    stateMachineArn: z.string(),
    status: z.string(),
    input: z.string().nullish(),
    error: z.string().nullish(),
    cause: z.string().nullish(),
  }),
});

export type EventRedrive =
  /** `id` of the event: two tries are one execution. */
  | { readonly action: 'start execution'; readonly id: string; readonly input: InboundInput }
  | { readonly action: 'announce'; readonly object: string }
  | { readonly action: 'dead letter'; readonly failed: FailedExecution }
  | { readonly action: 'notify'; readonly notice: Notice }
  | { readonly action: 'forget'; readonly why: string };

/**
 * What the rule would have done with an event, or the function with a notice, that was not delivered to `targetArn`.
 * undefined: this is nothing that sfsync's rules or functions are given.
 */
export function redriveOfEvent(body: string, targetArn: string | undefined): EventRedrive | undefined {
  const value = parsedJson(body);
  const file = objectCreated.safeParse(value).data;
  if (file !== undefined) {
    const { id, time, detail } = file;
    const { key, size } = detail.object;
    return { action: 'start execution', id, input: { bucket: detail.bucket.name, key, size, putAt: time } };
  }
  const changes = changesEvent.safeParse(value).data;
  if (changes !== undefined) return { action: 'announce', object: changes.detail.object };
  if (scheduledEvent.safeParse(value).success) {
    return { action: 'forget', why: 'a tick of the schedule, which has ticked again since' };
  }
  const ended = executionEnded.safeParse(value).data;
  if (ended !== undefined) {
    const { executionArn: execution, stateMachineArn: stateMachine, status, input, error, cause } = ended.detail;
    // Two targets share the queue: the pipeline's dead-letter queue, and the function that notifies.
    if (targetArn?.includes(':sqs:') === true) {
      return { action: 'dead letter', failed: { execution, stateMachine, status } };
    }
    const report = { about: 'failed execution', execution, stateMachine, status, input, error, cause } as const;
    return { action: 'notify', notice: report };
  }
  const report = notice.safeParse(value).data;
  return report === undefined ? undefined : { action: 'notify', notice: report };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
