/** A queue of what could not be handled, for a redrive: looked through message by message, or moved as a whole. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  MessageNotInflight,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { InvariantError } from '../core/errors.ts';

export interface DeadLetter {
  /** The same at each receive. */
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** When it came into the queue that it was sent to first. */
  readonly sentAt: Date;
  /** Message attributes: what EventBridge and Lambda report about the failure. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A message move task, as SQS reports it. The numbers are approximate. */
export interface Move {
  readonly status: string;
  readonly moved: number;
  readonly toMove: number;
  readonly failure: string | undefined;
}

/** SQS hands out at most ten messages a call. */
const MAX_MESSAGES = 10;
/** Waiting at all makes SQS ask every server that may hold a message; a plain receive asks some. */
const WAIT_SECONDS = 1;
/** Longer than a redrive takes for ten messages; what is not removed is made visible again at the end. */
const VISIBILITY_SECONDS = 300;

export class DeadLetterQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #waitSeconds: number;
  readonly #removed = new Set<string>();

  constructor(url: string, client = new SQSClient(), waitSeconds = WAIT_SECONDS) {
    this.#url = url;
    this.#client = client;
    this.#waitSeconds = waitSeconds;
  }

  /**
   * Every message once. Those that are not removed before the loop ends, also by an error, are visible again afterwards;
   * if the process is killed, after five minutes.
   */
  async *letters(): AsyncGenerator<DeadLetter, void, void> {
    const received = new Map<string, DeadLetter>();
    try {
      for (;;) {
        const letters = await this.#receive();
        const fresh = letters.filter(({ id }) => !received.has(id));
        for (const letter of letters) received.set(letter.id, letter);
        if (fresh.length === 0) return;
        yield* fresh;
      }
    } finally {
      for (const letter of received.values()) if (!this.#removed.has(letter.id)) await this.#makeVisible(letter);
    }
  }

  /** Up to `limit` messages, which stay where they are: also a redrive at the same time sees them. */
  async peek(limit: number): Promise<DeadLetter[]> {
    const seen = new Map<string, DeadLetter>();
    for (;;) {
      const before = seen.size;
      for (const letter of await this.#receive(0)) seen.set(letter.id, letter);
      if (seen.size === before || seen.size >= limit) return [...seen.values()].slice(0, limit);
    }
  }

  async #receive(visibilitySeconds = VISIBILITY_SECONDS): Promise<DeadLetter[]> {
    const { Messages } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: MAX_MESSAGES,
        WaitTimeSeconds: this.#waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    );
    return (Messages ?? []).map(({ MessageId, ReceiptHandle, Body, MessageAttributes, Attributes }) => ({
      id: MessageId ?? '',
      receiptHandle: ReceiptHandle ?? '',
      body: Body ?? '',
      sentAt: new Date(Number(Attributes?.SentTimestamp ?? 0)),
      attributes: Object.fromEntries(
        Object.entries(MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue ?? '']),
      ),
    }));
  }

  async remove({ id, receiptHandle }: DeadLetter): Promise<void> {
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receiptHandle }));
    this.#removed.add(id);
  }

  async #makeVisible({ receiptHandle }: DeadLetter): Promise<void> {
    const command = { QueueUrl: this.#url, ReceiptHandle: receiptHandle, VisibilityTimeout: 0 };
    try {
      await this.#client.send(new ChangeMessageVisibilityCommand(command));
    } catch (error) {
      // Its visibility timeout was over: it is visible already.
      if (!(error instanceof MessageNotInflight)) throw error;
    }
  }

  async send(body: string): Promise<void> {
    await this.#client.send(new SendMessageCommand({ QueueUrl: this.#url, MessageBody: body }));
  }

  /** `waiting` can be received or moved; `inFlight` was received by another reader a moment ago. Both approximate. */
  async count(): Promise<{ readonly waiting: number; readonly inFlight: number }> {
    const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = await this.#attributes();
    return {
      waiting: Number(ApproximateNumberOfMessages ?? 0),
      inFlight: Number(ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  }

  /**
   * Begins to move every message back to the queue it came from, unless that is under way. Only for the dead-letter
   * queue of a queue.
   */
  async startMove(): Promise<void> {
    if ((await this.readMove())?.status === 'RUNNING') return;
    await this.#client.send(new StartMessageMoveTaskCommand({ SourceArn: await this.#arn() }));
  }

  /** The newest move; undefined: there was none lately. */
  async readMove(): Promise<Move | undefined> {
    const answer = await this.#client.send(
      new ListMessageMoveTasksCommand({ SourceArn: await this.#arn(), MaxResults: 1 }),
    );
    const task = answer.Results?.[0];
    if (task === undefined) return undefined;
    return {
      status: task.Status ?? 'UNKNOWN',
      moved: task.ApproximateNumberOfMessagesMoved ?? 0,
      toMove: task.ApproximateNumberOfMessagesToMove ?? 0,
      failure: task.FailureReason,
    };
  }

  async #arn(): Promise<string> {
    const { QueueArn } = await this.#attributes();
    if (QueueArn === undefined) throw new InvariantError('NO_ARN', `SQS has no ARN for ${this.#url}.`);
    return QueueArn;
  }

  async #attributes(): Promise<Readonly<Record<string, string>>> {
    const answer = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ['All'] }),
    );
    return answer.Attributes ?? {};
  }
}
