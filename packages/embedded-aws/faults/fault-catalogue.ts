import { z } from 'zod';

/**
 * What can be switched on by `POST <endpoint>/_faults`: what the real services do now and then, or when they are overtaxed. GET on
 * the same address prints this catalogue. What a person at the terminal calls is never hit.
 */

const frequency = {
  every: z.int().positive().optional().describe('strikes at each n-th occasion only'),
  times: z
    .int()
    .positive()
    .optional()
    .describe('how often it strikes before it clears itself; left out: until it is cleared'),
};

/** Which calls a fault is for. */
const calls = {
  ...frequency,
  service: z.string().optional().describe('sqs, states, lambda, s3, events, appflow, secretsmanager, sns'),
  operation: z.string().optional().describe('SendMessageBatch, Invoke, ...'),
  resource: z.string().optional().describe('only where a name, URL or key in the call contains this text'),
};

const events = {
  ...frequency,
  detailType: z.string().optional().describe('only events of this type: Object Created, Scheduled Event, ...'),
  rule: z.string().optional().describe('only for targets of rules whose name contains this text'),
};

const messages = { ...frequency, queue: z.string().optional().describe('only queues whose name contains this text') };
const flows = { ...frequency, flow: z.string().optional().describe('only flows whose name contains this text') };
const milliseconds = z.number().nonnegative();

export const FAULTS = {
  throttled: {
    about: 'The call is refused as the service refuses what is too much, before anything is done.',
    options: z.strictObject(calls),
  },
  unavailable: {
    about: 'The call is refused as the service does when it cannot for now (500 or 503), before anything is done.',
    options: z.strictObject(calls),
  },
  lostAnswer: {
    about:
      'The call is carried out, then the connection is cut instead of an answer. A state machine gets `SdkClientException`.',
    options: z.strictObject(calls),
  },
  slowCall: {
    about: 'The call waits before it is carried out (beforeMs) and before it is answered (afterMs).',
    options: z.strictObject({ ...calls, beforeMs: milliseconds.default(0), afterMs: milliseconds.default(0) }),
  },
  lateEvents: {
    about:
      'Deliveries of the event bus are held back, each by a random part of this time: so they are out of order, too.',
    options: z.strictObject({ ...events, withinMs: milliseconds }),
  },
  repeatedEvents: {
    about: 'The event bus delivers twice, the second time up to withinMs later.',
    options: z.strictObject({ ...events, withinMs: milliseconds.default(0) }),
  },
  lostEvents: {
    about: 'The event bus accepts the event and does not deliver it.',
    options: z.strictObject(events),
  },
  lateMessages: {
    about: 'Messages are seen by receivers later, each by a random part of this time: so they are out of order, too.',
    options: z.strictObject({ ...messages, withinMs: milliseconds }),
  },
  repeatedMessages: {
    about:
      'A message that is deleted comes once more, up to withinMs later: one of the servers that store it did not hear of the delete.',
    options: z.strictObject({ ...messages, withinMs: milliseconds.default(0) }),
  },
  overlookedMessages: {
    about: 'A short poll asks servers that have none of the messages, and answers that there is nothing.',
    options: z.strictObject(messages),
  },
  killedFunctions: {
    about:
      'The execution environment of a function ends in the middle of an invocation, after a random part of afterMs.',
    options: z.strictObject({
      ...frequency,
      function: z.string().optional().describe('only functions whose name contains this text'),
      afterMs: milliseconds,
    }),
  },
  failedRuns: {
    about: 'A run of a flow ends in Error before it has touched anything.',
    options: z.strictObject({ ...flows, message: z.string().default('InternalServerException: the run failed.') }),
  },
  slowRuns: {
    about:
      'A run of a flow stays InProgress: before it has done anything (beforeMs), and after its last write (afterMs).',
    options: z.strictObject({ ...flows, beforeMs: milliseconds.default(0), afterMs: milliseconds.default(0) }),
  },
  silentRuns: {
    about: 'A flow with a schedule lets its slot pass without a run; it is Active all the same.',
    options: z.strictObject(flows),
  },
  refusedRows: {
    about: 'A row of a flow to Salesforce fails, as if Salesforce had refused it.',
    options: z.strictObject({
      ...flows,
      statusCode: z.string().default('UNABLE_TO_LOCK_ROW'),
      message: z.string().default('unable to obtain exclusive access to this record'),
    }),
  },
} as const;

export type FaultName = keyof typeof FAULTS;
export type FaultOptions<Name extends FaultName> = z.infer<(typeof FAULTS)[Name]['options']>;
