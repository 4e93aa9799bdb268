/**
 * What the parts of the embedded AWS know of each other.
 *
 * Every service is an object with operations named as in the AWS API (`SendMessage`, `StartExecution`); the endpoint
 * decodes a request into such a call, and the services call each other the same way (a state machine sends to a queue,
 * a rule starts a state machine), so there is one implementation of each operation for all callers.
 */

import type { MetricPoint } from './cloudwatch/metric.ts';
import type { Faults } from './faults/faults.ts';

export const ACCOUNT = '000000000000';

export type ServiceName =
  | 's3'
  | 'sqs'
  | 'sns'
  | 'events'
  | 'states'
  | 'lambda'
  | 'appflow'
  | 'secretsmanager'
  | 'cloudformation'
  | 'logs'
  | 'monitoring'
  | 'sts';

/** Who calls. `principal` is the ARN of the role whose access key signed the request, or `console` for a person. */
export interface Caller {
  readonly principal: string;
}

/** The person at the terminal, and the host itself: may do everything. */
export const CONSOLE: Caller = { principal: 'console' };

/** An error as AWS answers it: `code` is what clients match on, `status` the HTTP status. */
export class AwsError extends Error {
  override readonly name = 'AwsError' as const;
  readonly code: string;
  readonly status: number;
  /** Further members of the answer's body (for example `reason` of a Step Functions validation error). */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** One operation. `gone` fires when the caller has hung up: a waiting operation must then take nothing any more. */
export type Operation = (input: never, caller: Caller, gone?: AbortSignal) => unknown;

/** Operations by their API name. A missing one is refused loudly by the endpoint. */
export type Operations = Readonly<Record<string, Operation>>;

/** The embedded AWS as its services see it. */
export interface EmbeddedAws {
  readonly region: string;
  /** Where every service answers, `http://127.0.0.1:<port>`; queue URLs start with it. */
  readonly origin: string;
  /** Calls an operation in process, as the given caller. Throws AwsError as the service would answer. */
  call<Output = unknown>(service: ServiceName, operation: string, input: object, caller?: Caller): Promise<Output>;
  /** Writes to the journal what happened. */
  readonly journal: Journal;
  /** A value of a metric, for the alarms that look at it. */
  measure(point: MetricPoint): void;
  /** Now, in milliseconds since 1970. */
  now(): number;
  /** What goes wrong. Left out: nothing. */
  readonly faults?: Faults;
}

/** One thing that happened, for the terminal and for code that waits for it. `subject` names the resource, never values. */
export interface JournalEntry {
  readonly at: number;
  readonly kind:
    | 'flow-run'
    | 'execution-started'
    | 'execution-ended'
    | 'changes-published'
    | 'message-sent'
    | 'object-created'
    | 'event'
    | 'lambda'
    | 'notification'
    | 'streamer'
    | 'fault';
  readonly subject: string;
  readonly text: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Journal {
  record(entry: Omit<JournalEntry, 'at'>): void;
  /** Calls back for each entry; the answer stops it. */
  subscribe(listener: (entry: JournalEntry) => void): () => void;
}
