/** The receiving half of a change queue. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { ChangeMessage } from '../core/contracts/change-message.ts';
import { changeMessage, messageText } from '../core/contracts/change-message.ts';
import { RetryableError } from '../core/errors.ts';

/** SQS hands out at most ten messages a call. */
const MAX_MESSAGES = 10;

/**
 * A message that was handed back is seen again after 2, 4, 8 ... seconds, at most five minutes: soon after a session that was
 * lost, and yet a quarter of an hour before it has failed so often that it goes to the dead letters.
 */
const LONGEST_PAUSE_SECONDS = 300;

export interface ReceivedMessage {
  readonly receiptHandle: string;
  /** How often it was received so far, this time included. */
  readonly receives: number;
  /** undefined: no change message. It is left to the queue, which moves it to the dead-letter queue. */
  readonly message: ChangeMessage | undefined;
}

export class ChangeQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(url: string, client = new SQSClient()) {
    this.#url = url;
    this.#client = client;
  }

  /** Up to ten messages; waits up to `waitSeconds` for the first. */
  async receive(waitSeconds: number): Promise<ReceivedMessage[]> {
    const { Messages } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: MAX_MESSAGES,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    return (Messages ?? []).map(({ ReceiptHandle, Body, Attributes }) => ({
      receiptHandle: ReceiptHandle ?? '',
      receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
      message: parseMessage(Body ?? ''),
    }));
  }

  async delete(received: readonly ReceivedMessage[]): Promise<void> {
    if (received.length === 0) return;
    const { Failed } = await this.#client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.#url,
        Entries: received.map(({ receiptHandle }, i) => ({ Id: String(i), ReceiptHandle: receiptHandle })),
      }),
    );
    const failed = Failed?.[0];
    if (failed !== undefined) {
      throw new RetryableError(failed.Code ?? 'UNKNOWN', `SQS did not delete ${Failed?.length} change messages.`);
    }
  }

  /** Hands messages back that could not be worked on, so that they do not wait for the end of the visibility timeout. */
  async handBack(received: readonly ReceivedMessage[]): Promise<void> {
    if (received.length === 0) return;
    await this.#client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: this.#url,
        Entries: received.map(({ receiptHandle, receives }, i) => ({
          Id: String(i),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: Math.min(LONGEST_PAUSE_SECONDS, 2 ** receives),
        })),
      }),
    );
  }

  /** Puts a message into the queue again, to be looked at later. */
  async sendAgain(message: ChangeMessage, delaySeconds: number): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: messageText(message),
        DelaySeconds: delaySeconds,
      }),
    );
  }
}

function parseMessage(body: string): ChangeMessage | undefined {
  try {
    return changeMessage.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
