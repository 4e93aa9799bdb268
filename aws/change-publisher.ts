/** The sending half of the change queues, and the event that announces it. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { RetryableError } from '../core/errors.ts';

/** SQS takes at most ten messages a call, and 1 MiB in all (Developer Guide, message quotas). */
export const MAX_BATCH_MESSAGES = 10;

/** PutEvents takes at most ten entries a call. */
const MAX_EVENTS = 10;

/** A message that the queue did not take. */
export interface Refusal {
  /** Its place in the call. */
  readonly index: number;
  readonly code: string;
}

/** Sends messages to one queue. */
export interface ChangeSender {
  /** Answers which of the messages (bodies, within the limits above) were not accepted. Throws what the call failed with. */
  send(bodies: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]>;
}

export class SqsChangeSender implements ChangeSender {
  readonly #client: SQSClient;
  readonly #url: string;

  /** By default without the client's MD5 of the answer, which costs a copy of every body; TLS guards the way. */
  constructor(url: string, client = new SQSClient({ md5: false })) {
    this.#url = url;
    this.#client = client;
  }

  async send(bodies: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const command = new SendMessageBatchCommand({ QueueUrl: this.#url, Entries });
    const { Failed, Successful } = await this.#client.send(command, { abortSignal: signal });
    const refused = (Failed ?? []).map(({ Id, Code }) => ({ index: Number(Id), code: Code ?? 'UNKNOWN' }));
    // Only what is listed as accepted is accepted.
    const answered = new Set([...(Successful ?? []).map(({ Id }) => Number(Id)), ...refused.map(({ index }) => index)]);
    const silent = bodies.flatMap((_, index) => (answered.has(index) ? [] : [{ index, code: 'NO_ANSWER' }]));
    return [...refused, ...silent];
  }
}

/** Puts events that name an object on the default bus. */
export class ObjectEvents {
  readonly #source: string;
  readonly #type: string;
  readonly #client: EventBridgeClient;

  /** `source`: the deployment's name, which the rules ask for. */
  constructor(source: string, type: string, client = new EventBridgeClient()) {
    this.#source = source;
    this.#type = type;
    this.#client = client;
  }

  /** One event for each object. Throws RetryableError when the bus refused some, and what the call failed with. */
  async put(objects: readonly string[], signal: AbortSignal): Promise<void> {
    for (let first = 0; first < objects.length; first += MAX_EVENTS) {
      const Entries = objects.slice(first, first + MAX_EVENTS).map((object) => ({
        Source: this.#source,
        DetailType: this.#type,
        Detail: JSON.stringify({ object }),
      }));
      const answer = await this.#client.send(new PutEventsCommand({ Entries }), { abortSignal: signal });
      const failed = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
      if ((answer.FailedEntryCount ?? 0) > 0) {
        const code = failed?.ErrorCode ?? 'UNKNOWN';
        throw new RetryableError(code, `EventBridge refused ${answer.FailedEntryCount} of ${Entries.length} events.`);
      }
    }
  }
}
