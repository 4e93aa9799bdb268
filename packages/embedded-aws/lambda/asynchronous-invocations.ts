import type { DatabaseSync } from 'node:sqlite';
import { type Attempt, DurableWork } from '../durable-work.ts';
import { AwsError, type EmbeddedAws } from '../service.ts';
import type { Timers } from '../timers.ts';
import type { FunctionPool } from './function-pool.ts';
import type { FunctionError, FunctionSettings } from './function-settings.ts';

/** One accepted event of a function. */
interface AcceptedEvent {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Invocations that ended with an error of the function. */
  readonly failures: number;
  /** Times that the function could not be invoked: throttled, or a fault of the host. */
  readonly refusals: number;
}

/** One minute before the first retry, two before the second (Lambda Developer Guide, asynchronous invocation). */
const RETRY_DELAYS_MS = [60_000, 120_000] as const;
const DEFAULT_RETRIES = 2;
const DEFAULT_EVENT_AGE_SECONDS = 21_600;
const FIRST_REFUSAL_DELAY_MS = 1_000;
const LONGEST_REFUSAL_DELAY_MS = 5 * 60_000;
const CONCURRENCY = 32;

export interface AsynchronousOptions {
  readonly timers: Timers;
  /** Makes the waits between retries that many times shorter. */
  readonly timeScale: number;
  readonly poolOf: (functionName: string) => FunctionPool | undefined;
}

/**
 * The internal queue of asynchronous invocations, durable: an accepted event is kept until the function has returned, or
 * until its retries are used up and it went to the on-failure destination or dead-letter queue (or was dropped for want
 * of one, journalled as a fault).
 */
export class AsynchronousInvocations {
  readonly #aws: EmbeddedAws;
  readonly #options: AsynchronousOptions;
  readonly #work: DurableWork<AcceptedEvent>;
  #stopping = false;

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: AsynchronousOptions) {
    this.#aws = aws;
    this.#options = options;
    this.#work = new DurableWork<AcceptedEvent>(aws, store, options.timers, {
      table: 'lambda_event',
      concurrency: CONCURRENCY,
      attempt: (event) => this.#attempt(event),
    });
  }

  /** When this returns, the event is durable. */
  accept(functionName: string, requestId: string, payload: string): void {
    this.#work.add([{ functionName, requestId, payload, acceptedAt: this.#aws.now(), failures: 0, refusals: 0 }]);
  }

  start(): void {
    this.#stopping = false;
    this.#work.start();
  }

  /** An invocation that the stop cuts off is no failure of the function: it is made again after the next start. */
  stop(): Promise<void> {
    this.#stopping = true;
    return this.#work.stop();
  }

  async #attempt(event: AcceptedEvent): Promise<Attempt<AcceptedEvent>> {
    const pool = this.#options.poolOf(event.functionName);
    if (pool === undefined) return this.#missing({ ...event, refusals: event.refusals + 1 });
    try {
      const { outcome } = await pool.invoke(event.requestId, event.payload);
      if (outcome.kind === 'returned') return { kind: 'done' };
      if (this.#stopping) return { kind: 'again', item: event, delayMs: 0 };
      return await this.#failed({ ...event, failures: event.failures + 1 }, pool.settings, outcome.error);
    } catch (error) {
      return this.#refused({ ...event, refusals: event.refusals + 1 }, pool.settings, error);
    }
  }

  /** A template's functions are registered again at each start, maybe after the first events have become due. */
  #missing(event: AcceptedEvent): Attempt<AcceptedEvent> {
    const delayMs = this.#refusalDelayMs(event);
    if (!this.#tooOld(event, {}, delayMs)) return { kind: 'again', item: event, delayMs };
    this.#fault(event, 'the function does not exist any more; dropped');
    return { kind: 'done' };
  }

  #failed(event: AcceptedEvent, settings: FunctionSettings, error: FunctionError): Promise<Attempt<AcceptedEvent>> {
    const wait = RETRY_DELAYS_MS[event.failures - 1] ?? 0;
    const delayMs = wait / this.#options.timeScale;
    const retriesLeft = event.failures <= (settings.maximumRetryAttempts ?? DEFAULT_RETRIES);
    if (retriesLeft && !this.#tooOld(event, settings, delayMs)) {
      return Promise.resolve({ kind: 'again', item: event, delayMs });
    }
    return this.#giveUp(event, settings, retriesLeft ? 'EventAgeExceeded' : 'RetriesExhausted', error);
  }

  /** Throttled: tried again for as long as the event may grow old. Anything else is a fault of the host, tried likewise. */
  async #refused(event: AcceptedEvent, settings: FunctionSettings, error: unknown): Promise<Attempt<AcceptedEvent>> {
    if (!(error instanceof AwsError)) this.#fault(event, String(error));
    const delayMs = this.#refusalDelayMs(event);
    if (!this.#tooOld(event, settings, delayMs)) return { kind: 'again', item: event, delayMs };
    const errorType = error instanceof AwsError ? error.code : 'ServiceException';
    return this.#giveUp(event, settings, 'EventAgeExceeded', { errorType, errorMessage: String(error) });
  }

  #refusalDelayMs({ refusals }: AcceptedEvent): number {
    const wait = Math.min(FIRST_REFUSAL_DELAY_MS * 2 ** (refusals - 1), LONGEST_REFUSAL_DELAY_MS);
    return wait / this.#options.timeScale;
  }

  #tooOld(event: AcceptedEvent, settings: Pick<FunctionSettings, 'maximumEventAgeSeconds'>, delayMs: number): boolean {
    const maximumMs = 1000 * (settings.maximumEventAgeSeconds ?? DEFAULT_EVENT_AGE_SECONDS);
    return this.#aws.now() + delayMs - event.acceptedAt > maximumMs;
  }

  async #giveUp(
    event: AcceptedEvent,
    settings: FunctionSettings,
    condition: 'RetriesExhausted' | 'EventAgeExceeded',
    error: FunctionError,
  ): Promise<Attempt<AcceptedEvent>> {
    const { deadLetterQueueArn, onFailureQueueArn } = settings;
    const what = `given up (${condition}, ${error.errorType})`;
    if (deadLetterQueueArn === undefined && onFailureQueueArn === undefined) {
      this.#fault(event, `${what} and dropped: the function has neither dead-letter queue nor on-failure destination`);
      return { kind: 'done' };
    }
    this.#fault(event, what);
    if (deadLetterQueueArn !== undefined) {
      await this.#send(event, settings, deadLetterQueueArn, event.payload, deadLetterAttributes(event, error));
    }
    if (onFailureQueueArn !== undefined) {
      await this.#send(event, settings, onFailureQueueArn, this.#failureRecord(event, settings, condition, error));
    }
    return { kind: 'done' };
  }

  async #send(
    event: AcceptedEvent,
    settings: FunctionSettings,
    queueArn: string,
    MessageBody: string,
    MessageAttributes: object = {},
  ): Promise<void> {
    const [, , , , account = '', name = ''] = queueArn.split(':');
    const message = { QueueUrl: `${this.#aws.origin}/${account}/${name}`, MessageBody, MessageAttributes };
    try {
      await this.#aws.call('sqs', 'SendMessage', message, { principal: settings.roleArn });
    } catch (error) {
      // As Lambda does: it counts a dead-letter error and drops the event.
      this.#fault(event, `${queueArn} did not take it: ${String(error)}; dropped`);
    }
  }

  #failureRecord(event: AcceptedEvent, settings: FunctionSettings, condition: string, error: FunctionError): string {
    return JSON.stringify({
      version: '1.0',
      timestamp: new Date(this.#aws.now()).toISOString(),
      requestContext: {
        requestId: event.requestId,
        functionArn: `${settings.arn}:$LATEST`,
        condition,
        approximateInvokeCount: event.failures,
      },
      requestPayload: JSON.parse(event.payload) as unknown,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: error,
    });
  }

  #fault(event: AcceptedEvent, what: string): void {
    const text = `event ${event.requestId}: ${what}`;
    this.#aws.journal.record({ kind: 'fault', subject: event.functionName, text });
  }
}

function deadLetterAttributes(event: AcceptedEvent, error: FunctionError): object {
  return {
    RequestID: { DataType: 'String', StringValue: event.requestId },
    ErrorCode: { DataType: 'Number', StringValue: '200' },
    ErrorMessage: { DataType: 'String', StringValue: (error.errorMessage || error.errorType).slice(0, 1024) },
  };
}
