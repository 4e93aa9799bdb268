/** The receiving half of a change queue. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { ChangeMessage } from '../core/change-message.ts';
import { changeMessage } from '../core/change-message.ts';
import { RetryableError } from '../core/errors.ts';

/** SQS hands out at most ten messages a call. */
const MAX_MESSAGES = 10;

export interface ReceivedMessage {
  readonly receiptHandle: string;
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
      }),
    );
    return (Messages ?? []).map(({ ReceiptHandle, Body }) => ({
      receiptHandle: ReceiptHandle ?? '',
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

  /** Puts a message into the queue again, to be looked at later. */
  async sendAgain(message: ChangeMessage, delaySeconds: number): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: JSON.stringify(message),
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
